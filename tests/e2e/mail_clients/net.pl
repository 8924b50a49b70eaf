# Net::SMTP and Net::POP3, as they come with Perl.
use strict;
use warnings;
use Net::POP3;
use Net::SMTP;

my %door = map { /^DOOR_(.*)/ ? (lc $1 => $ENV{$_}) : () } keys %ENV;
my @tls = (SSL_ca_file => $door{ca_file}, SSL_verifycn_name => $door{host});
my @common = (Port => $door{port}, Timeout => 30, ($door{tls} eq 'implicit' ? (SSL => 1, @tls) : ()));

if ($door{protocol} eq 'smtp') {
    my $smtp = Net::SMTP->new($door{host}, @common) or die "no connection: $@";
    if ($door{tls} eq 'starttls') { $smtp->starttls(@tls) or die 'starttls: ' . $smtp->message }
    $smtp->auth($door{user}, $door{password}) or die 'auth: ' . $smtp->message;
    $smtp->mail($door{mailbox}) && $smtp->to($door{mailbox}) && $smtp->data($door{message})
      or die 'send: ' . $smtp->message;
    $smtp->quit;
} else {
    my $pop = Net::POP3->new($door{host}, @common) or die "no connection: $@";
    if ($door{tls} eq 'starttls') { $pop->starttls(@tls) or die 'stls: ' . $pop->message }
    defined $pop->login($door{user}, $door{password}) or die 'login: ' . $pop->message;
    print @{ $pop->get($_) } for keys %{ $pop->list };
    $pop->quit;
}

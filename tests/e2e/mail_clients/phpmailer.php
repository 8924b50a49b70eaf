<?php
// PHPMailer, as web applications send.
use PHPMailer\PHPMailer\PHPMailer;

foreach (['PHPMailer', 'SMTP', 'Exception'] as $part) {
    require "/usr/share/php/libphp-phpmailer/src/$part.php";
}
$mail = new PHPMailer(true);
$mail->isSMTP();
$mail->Host = getenv('DOOR_HOST');
$mail->Port = (int) getenv('DOOR_PORT');
$mail->SMTPAuth = true;
$mail->Username = getenv('DOOR_USER');
$mail->Password = getenv('DOOR_PASSWORD');
$mail->SMTPAutoTLS = false;
$mail->SMTPSecure = ['off' => '', 'starttls' => 'tls', 'implicit' => 'ssl'][getenv('DOOR_TLS')];
$mail->SMTPOptions = ['ssl' => ['cafile' => getenv('DOOR_CA_FILE')]];
$mail->setFrom(getenv('DOOR_MAILBOX'));
$mail->addAddress(getenv('DOOR_MAILBOX'));
$mail->Subject = getenv('DOOR_SUBJECT');
$mail->Body = 'A line';
$mail->send();

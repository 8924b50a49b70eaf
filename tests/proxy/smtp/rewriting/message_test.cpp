// Messages through a rewriter, judged by a reader of the tests' own: compared field by field, and body byte by byte.
#include <algorithm>
#include <optional>

#include "catch.h"
#include "stage_bench.h"

namespace saslift::proxy::smtp::rewriting {
namespace {

const std::string mailbox = "scans@contoso.com";
const std::string own_from = " \"Scans, 3rd floor\"\r\n <" + mailbox + ">\r\n";

// Content <-> wire: a dot at the beginning of a line (behind CRLF, nothing else) is doubled (RFC 5321 4.5.2).
std::string stuffed(const std::string& content) {
  std::string wire;
  for (std::size_t at = 0; at < content.size(); ++at) {
    const bool starts_line = at == 0 || (at >= 2 && content.compare(at - 2, 2, "\r\n") == 0);
    if (starts_line && content[at] == '.') wire += '.';
    wire += content[at];
  }
  return wire;
}
std::string unstuffed(const std::string& wire) {
  std::string content;
  for (std::size_t at = 0; at < wire.size(); ++at) {
    const bool starts_line = at == 0 || (at >= 2 && wire.compare(at - 2, 2, "\r\n") == 0);
    if (!(starts_line && wire[at] == '.')) content += wire[at];
  }
  return content;
}

// Sends the content, takes the end off what arrived, and sees that it was the end: no CRLF.CRLF before it.
std::string through(const std::string& content, const Rewriting& rewriting, const Cuts& cuts) {
  StageBench bench(rewriting, cuts);
  const std::string arrived = bench.message(stuffed(content) + ".\r\n");
  const auto end = ("\r\n" + arrived).find("\r\n.\r\n");
  INFO(arrived);
  REQUIRE(end + 3 == arrived.size());
  return unstuffed(arrived.substr(0, end));
}

struct Field {
  std::string name;
  std::string text;
  bool operator==(const Field&) const = default;
};
struct Message {
  std::vector<Field> fields;
  std::string body;  // behind the empty line

  [[nodiscard]] std::vector<std::string> all(const std::string& name) const {
    std::vector<std::string> found;
    for (const Field& field : fields) {
      if (field.name == name) found.push_back(field.text);
    }
    return found;
  }
  [[nodiscard]] std::vector<Field> others() const {
    std::vector<Field> found;
    for (const Field& field : fields) {
      if (field.name != "from" && field.name != "reply-to" && field.name != "date" && field.name != "message-id") {
        found.push_back(field);
      }
    }
    return found;
  }
};

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return text;
}

Message parsed(std::string content) {
  Message message;
  const auto end = content.starts_with("\r\n") ? 0 : content.find("\r\n\r\n") + 2;
  message.body = content.substr(end + 2);
  content.resize(end);
  for (std::size_t at = 0; at < content.size();) {
    auto next = content.find("\r\n", at) + 2;
    while (next < content.size() && (content[next] == ' ' || content[next] == '\t')) {
      next = content.find("\r\n", next) + 2;
    }
    const std::string text = content.substr(at, next - at);
    message.fields.push_back({lower(text.substr(0, text.find(':'))), text.substr(text.find(':') + 1)});
    at = next;
  }
  return message;
}

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  std::string message() {
    std::vector<std::string> fields;
    for (unsigned count = below(8); count > 0; --count) fields.push_back(other_field());
    maybe(fields, 80, below(5) == 0 ? "From:" + own_from : "From:" + value("scanner@old.example"));
    maybe(fields, 15, "FROM:" + value("second@old.example"));
    maybe(fields, 20, "reply-to:" + value("help@old.example"));
    maybe(fields, 60, "Date:" + value("Sat, 01 Aug 2026 12:00:00 +0000"));
    maybe(fields, 60, "Message-Id:" + value("<1@old.example>"));
    std::shuffle(fields.begin(), fields.end(), random_);
    std::string content;
    for (const std::string& field : fields) content += field;
    content += "\r\n";
    for (unsigned count = below(12); count > 0; --count) content += body_line() + "\r\n";
    return content;
  }

 private:
  unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
  void maybe(std::vector<std::string>& fields, unsigned percent, std::string field) {
    if (below(100) < percent) fields.push_back(std::move(field));
  }
  std::string text(std::string_view alphabet, unsigned longest) {
    std::string made;
    for (unsigned count = below(longest); count > 0; --count) made += alphabet[below(unsigned(alphabet.size()))];
    return made;
  }
  std::string value(const std::string& core) {
    static constexpr std::string_view alphabet = "abc <>@\"(),.;:\xFC\xC3\xA4=?_";
    std::string made = below(3) == 0 ? "" : " ";
    if (below(3) == 0) made += text(alphabet, 40) + "\r\n\t";
    made += core;
    if (below(4) == 0) made += "\r\n (" + text("abc\xE4 ", 1200) + ")";
    return made + "\r\n";
  }
  std::string other_field() {
    static const std::vector<std::string> names = {"To",           "Subject", "X-From",  "Fromage",
                                                   "MIME-Version", "Sender",  ".dotted", "X-Scanner-Date"};
    return names[below(unsigned(names.size()))] + ":" + value(text("abc .\xFC", 100));
  }
  std::string body_line() {
    switch (below(8)) {
      case 0:
        return "." + text(".a", 4);
      case 1:
        return ".";
      case 2:
        return std::string(990 + below(40), 'x');
      case 3:
        return "bare\r.\rCR\n.\nand LF\n.\r";
      case 4:
        return "From: not@a.field";
      case 5:
        return "";
      default:
        return text("abc.\xE4\xFF\x01\t \r\n", 200);
    }
  }

  std::mt19937 random_;
};

void check_both(const Message& before, const Message& after) {
  CHECK(after.body == before.body);
  CHECK(after.others() == before.others());
  const auto old_from = before.all("from");
  const bool is_own = !old_from.empty() && old_from[0] == own_from;
  CHECK(after.all("from") == std::vector<std::string>{is_own ? own_from : " " + mailbox + "\r\n"});
  auto reply_to = before.all("reply-to");
  if (reply_to.empty() && !old_from.empty() && !is_own) reply_to.push_back(old_from[0]);
  CHECK(after.all("reply-to") == reply_to);
  const auto date = before.all("date");
  CHECK(after.all("date") == (date.empty() ? std::vector<std::string>{" Tue, 24 Nov 2026 15:00:00 +0000\r\n"} : date));
  const auto id = before.all("message-id");
  CHECK(after.all("message-id") == (id.empty() ? std::vector<std::string>{" <made@contoso.com>\r\n"} : id));
}

const std::vector<Cuts>& all_cuts() {
  static const std::vector<Cuts> all = {Cuts(Cuts::Way::in_one_go), Cuts(Cuts::Way::by_byte),
                                        Cuts(Cuts::Way::at_random, 5)};
  return all;
}

TEST_CASE("200 generated messages: From is the mailbox, the old one is Reply-To, the rest and the body are untouched") {
  int without_from = 0;
  for (unsigned seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    const std::string content = Generator(seed).message();
    const Message before = parsed(content);
    without_from += before.all("from").empty() ? 1 : 0;
    std::optional<std::string> first;
    for (const Cuts& cuts : all_cuts()) {
      const std::string after = through(content, test_rewriting(), cuts);
      if (!first) check_both(before, parsed(after));
      CHECK(after == first.value_or(after));
      first = after;
      // Only the envelope: the From field and all else stay, but for what is missing.
      const Message enveloped = parsed(through(content, test_rewriting(config::RewriteFrom::envelope), cuts));
      CHECK(enveloped.body == before.body);
      CHECK(enveloped.all("from") == before.all("from"));
      CHECK(enveloped.all("reply-to") == before.all("reply-to"));
      CHECK(enveloped.others() == before.others());
    }
  }
  CHECK(without_from > 10);
}

std::string rewritten(const std::string& content) {
  std::optional<std::string> first;
  for (const Cuts& cuts : all_cuts()) {
    const std::string after = through(content, test_rewriting(), cuts);
    CHECK(after == first.value_or(after));
    first = after;
  }
  return *first;
}

TEST_CASE("awkward messages") {
  const std::string stamps = "Date: Tue, 24 Nov 2026 15:00:00 +0000\r\nMessage-ID: <made@contoso.com>\r\n";
  const std::string from = "From: " + mailbox + "\r\n";
  SECTION("the mailbox's own From stays as it is, with its display name") {
    const std::string own = "From: \"Scans, 3rd floor\" <Scans@Contoso.com>\r\n";
    CHECK(rewritten(own + "\r\nx\r\n") == own + stamps + "\r\nx\r\n");
    CHECK(rewritten("From: scans@contoso.com\r\n\r\n") == from + stamps + "\r\n");
  }
  SECTION("the mailbox's own From in a form that Exchange reads otherwise is replaced") {
    for (const std::string value :
         {"scans@contoso.com <scans@contoso.com>", "evil@x.org, Me <scans@contoso.com>",
          "\"<scans@contoso.com>\" evil@x.org", "evil@x.org (<scans@contoso.com>)", "a:b <scans@contoso.com>",
          "<evil@x.org> <scans@contoso.com>", "\"open <scans@contoso.com>", "<scans@contoso.com> <"}) {
      CAPTURE(value);
      CHECK(rewritten("From: " + value + "\r\n\r\n") == from + "Reply-To: " + value + "\r\n" + stamps + "\r\n");
    }
    const std::string own = "From:\r\n \"a, b \\\" <c@d>\"\r\n =?utf-8?q?x?= < scans@contoso.com >\r\n";
    CHECK(rewritten(own + "\r\n") == own + stamps + "\r\n");
  }
  SECTION("S2G#28: an unquoted @ in the display name") {
    CHECK(rewritten("From: printer@d.com <printer@d.com>\r\n\r\nx\r\n") ==
          from + "Reply-To: printer@d.com <printer@d.com>\r\n" + stamps + "\r\nx\r\n");
  }
  SECTION("a folded From, its value on the next line") {
    CHECK(rewritten("Subject: s\r\nFrom:\r\n Old\r\n\t<a@b>\r\nTo: t\r\n\r\nx\r\n") ==
          "Subject: s\r\n" + from + "To: t\r\nReply-To:\r\n Old\r\n\t<a@b>\r\n" + stamps + "\r\nx\r\n");
  }
  SECTION("two Froms, of which one is left") {
    CHECK(rewritten("From: a@b\r\nX: y\r\nfrom: c@d\r\n\r\n") == from + "X: y\r\nReply-To: a@b\r\n" + stamps + "\r\n");
  }
  SECTION("a From with a space before its colon, and one that is empty") {
    CHECK(rewritten("From : a@b\r\n\r\n") == from + "Reply-To: a@b\r\n" + stamps + "\r\n");
    CHECK(rewritten("From:\r\n\r\n") == from + stamps + "\r\n");
    CHECK(rewritten("From:\r\n \r\n\r\n") == from + stamps + "\r\n");
    CHECK(rewritten("From: scanner\r\n\r\n") == from + stamps + "\r\n");  // nobody could reply to that
  }
  SECTION("no header at all: an empty line separates the fields from the text") {
    CHECK(rewritten("Hello\r\nworld\r\n") == from + stamps + "\r\nHello\r\nworld\r\n");
    CHECK(rewritten("\r\nworld\r\n") == from + stamps + "\r\nworld\r\n");
    CHECK(rewritten(".\r\n..\r\n") == from + stamps + "\r\n.\r\n..\r\n");
  }
  SECTION("nothing at all, and fields alone") {
    CHECK(rewritten("") == from + stamps);
    CHECK(rewritten("Subject: s\r\n") == "Subject: s\r\n" + from + stamps);
  }
  SECTION("an mbox separator, behind which a server would see no header, goes") {
    CHECK(rewritten("From scanner Sat Aug  1 12:00:00 2026\r\nFrom: a@b\r\n\r\nx\r\n") ==
          from + "Reply-To: a@b\r\n" + stamps + "\r\nx\r\n");
  }
  SECTION("a From: in the body is text") {
    const std::string body = "\r\nFrom: a@b\r\nReply-To: c@d\r\n";
    CHECK(rewritten("From: a@b\r\n" + body) == from + "Reply-To: a@b\r\n" + stamps + body);
  }
  SECTION("8-bit and long lines") {
    const std::string field = "Subject: Gr\xFC\xDF\xC3\x9F " + std::string(5000, 'y') + "\r\n";
    const std::string body = "\r\n" + std::string(100'000, '\xE4') + "\r\n\0x\r\n";
    CHECK(rewritten(field + from + body) == field + from + stamps + body);
  }
  SECTION("a bare CR in a field is not its end") {
    CHECK(rewritten("Subject: a\rFrom: b@c\r\nFrom: d@e\r\n\r\n") ==
          "Subject: a\rFrom: b@c\r\n" + from + "Reply-To: d@e\r\n" + stamps + "\r\n");
  }
  SECTION("lines that end in bare LF") {
    CHECK(rewritten("Subject: s\nFrom: a@b\nTo: t\n\nbody\nFrom: x\n\r\n") ==
          "Subject: s\r\n" + from + "To: t\r\nReply-To: a@b\r\n" + stamps + "\nbody\nFrom: x\n\r\n");
  }
}

TEST_CASE("FAULTS 23: of all that looks like a message's end only CRLF.CRLF is one, and none is made") {
  const std::string smuggled =
      "MAIL FROM:<boss@contoso.com>\r\nRCPT TO:<victim@x.y>\r\nDATA\r\nSubject: s\r\n\r\nhi\r\n";
  for (const std::string ending :
       {"\n.\n", "\n.\r\n", "\r.\r\n", "\r.\r", "\n.\r", "\r\n.\n", "\r\n.\r", "\r\r\n.\r\r\n", "\r\n\0.\r\n"}) {
    for (const std::string before :
         {"Subject: s\r\n\r\nbody", "Subject: s", "From: a@b", "From: a@b\nFrom: c@d", "x"}) {
      CAPTURE(ending, before);
      for (const Cuts& cuts : all_cuts()) {
        StageBench bench(test_rewriting(), cuts);
        // As an attacker writes it: not stuffed.
        const std::string arrived = bench.message(before + ending + smuggled + ".\r\n");
        const auto end = ("\r\n" + arrived).find("\r\n.\r\n");
        CHECK(end + 3 == arrived.size());
        CHECK(arrived.ends_with("RCPT TO:<victim@x.y>\r\nDATA\r\nSubject: s\r\n\r\nhi\r\n.\r\n"));
        // In the body not a byte is changed.
        if (before.ends_with("body")) CHECK(arrived.ends_with("\r\n\r\nbody" + ending + smuggled + ".\r\n"));
      }
    }
  }
}

}  // namespace
}  // namespace saslift::proxy::smtp::rewriting

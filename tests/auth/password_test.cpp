#include "auth/password.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "auth/password_memo.h"
#include "catch.h"

using namespace saslift;
using namespace saslift::auth;

TEST_CASE("a password's hash is argon2id m=19456 t=2 p=1 and matches that password alone") {
  const config::Secret password("kR7 pass\xFFword");
  const std::string phc = hash_password(password);
  CHECK(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
  CHECK(verify_password(phc, password) == PasswordCheck::matches);
  CHECK(verify_password(phc, config::Secret("kR7 password")) == PasswordCheck::differs);
  CHECK(verify_password(phc, config::Secret()) == PasswordCheck::differs);
  CHECK(hash_password(password) != phc);
}

TEST_CASE("what is no hash matches nothing") {
  for (const char* phc :
       {"", "secret", "$argon2id$", "$2b$12$abcdefghijklmnopqrstuv", "$argon2id$v=19$m=19456,t=2,p=1$"})
    CHECK(verify_password(phc, config::Secret("secret")) == PasswordCheck::differs);
}

TEST_CASE("FAULTS 32: the decoy is a well-formed hash of the same cost, and new each time") {
  const std::string decoy = decoy_hash();
  const std::string real = hash_password(config::Secret("x"));
  CHECK(decoy.size() == real.size());
  CHECK(decoy.substr(0, decoy.rfind('$') - 22) == real.substr(0, real.rfind('$') - 22));
  CHECK(decoy != decoy_hash());
  CHECK(verify_password(decoy, config::Secret("x")) == PasswordCheck::differs);
}

TEST_CASE("a generated password has 20 letters and digits") {
  std::set<std::string> seen;
  std::set<char> letters;
  for (int i = 0; i < 200; ++i) {
    const config::Secret password = generate_password();
    CHECK(password.size() == 20);
    for (const char c : password.reveal()) {
      CHECK(std::isalnum(static_cast<unsigned char>(c)) != 0);
      letters.insert(c);
    }
    seen.insert(std::string(password.reveal()));
  }
  CHECK(seen.size() == 200);
  CHECK(letters.size() == 62);
}

TEST_CASE("FAULTS 33: the memo knows a success by hash, login and password together") {
  PasswordMemo memo;
  const auto good = memo.digest_of({.phc = "h", .login = "l", .password = "p"});
  CHECK_FALSE(memo.knows(good));
  memo.remember(good);
  CHECK(memo.knows(memo.digest_of({.phc = "h", .login = "l", .password = "p"})));
  CHECK_FALSE(memo.knows(memo.digest_of({.phc = "H", .login = "l", .password = "p"})));
  CHECK_FALSE(memo.knows(memo.digest_of({.phc = "h", .login = "L", .password = "p"})));
  CHECK_FALSE(memo.knows(memo.digest_of({.phc = "h", .login = "l", .password = "P"})));
  CHECK_FALSE(memo.knows(memo.digest_of({.phc = "hl", .login = "", .password = "p"})));
  CHECK_FALSE(memo.knows(memo.digest_of({.phc = "h", .login = "lp", .password = ""})));
  CHECK(PasswordMemo().digest_of({.phc = "h", .login = "l", .password = "p"}) != good);
}

TEST_CASE("the memo forgets the oldest when it is full") {
  PasswordMemo memo(3);
  std::vector<PasswordMemo::Digest> digests;
  for (const char* password : {"a", "b", "c", "d"})
    digests.push_back(memo.digest_of({.phc = "h", .login = "l", .password = password}));
  for (const auto& digest : digests) {
    memo.remember(digest);
    memo.remember(digest);
  }
  CHECK(memo.size() == 3);
  CHECK_FALSE(memo.knows(digests[0]));
  CHECK(memo.knows(digests[1]));
  CHECK(memo.knows(digests[3]));
}

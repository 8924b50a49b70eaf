#include "proxy/commands/sign_in_words.h"

#include "catch.h"

using namespace saslift;
using namespace std::chrono_literals;

namespace {

config::Identity identity() {
  config::Identity made;
  made.name = "people";
  made.tenant = "contoso.onmicrosoft.com";
  made.client_id = "00000000-0000-0000-0000-00000000000a";
  made.owner = "jane@contoso.com";
  made.provider.scope = "https://outlook.office.com/SMTP.Send offline_access";
  made.provider.authorization_endpoint = "https://login.example/authorize";
  return made;
}

auth::DeviceAuthorization shown() {
  auth::DeviceAuthorization made;
  made.user_code = "WDJB-MJHT";
  made.verification_uri = "https://microsoft.com/devicelogin";
  made.life = 900s;
  return made;
}

}  // namespace

TEST_CASE("FAULTS 50, 52: the device prompt names address, code, tenant, app and scopes, and warns") {
  CHECK(proxy::commands::device_prompt(identity(), shown()) ==
        "Sign-in for identity 'people'. Go on only if you started this yourself: whoever signs in gives\n"
        "this saslift access to the mail that the scopes below name, until it is revoked.\n"
        "\n"
        "  address   https://microsoft.com/devicelogin\n"
        "  code      WDJB-MJHT\n"
        "  sign in   as jane@contoso.com\n"
        "  tenant    contoso.onmicrosoft.com\n"
        "  app       00000000-0000-0000-0000-00000000000a\n"
        "  scopes    https://outlook.office.com/SMTP.Send offline_access\n"
        "\n"
        "Enter the code at the address within 15 minutes; this command waits.\n");
}

TEST_CASE("the device prompt leaves out what there is not, and shows the address that holds the code") {
  config::Identity nobody = identity();
  nobody.owner.clear();
  nobody.tenant.clear();
  auth::DeviceAuthorization brief = shown();
  brief.verification_uri_complete = "https://a/?c=WDJB-MJHT";
  brief.life = 59s;
  const std::string prompt = proxy::commands::device_prompt(nobody, brief);
  CHECK(prompt.find("sign in   as") == std::string::npos);
  CHECK(prompt.find("tenant") == std::string::npos);
  CHECK(prompt.find("  or open   https://a/?c=WDJB-MJHT\n") != std::string::npos);
  CHECK(prompt.find("within 1 minute;") != std::string::npos);
}

TEST_CASE("FAULTS 50, 52: the browser prompts show the address, the facts and the same warning") {
  const auth::Authorization authorization(identity(), "http://localhost:8095", {}, {});
  for (const auto browser : {proxy::commands::BrowserIs::here, proxy::commands::BrowserIs::elsewhere}) {
    const std::string prompt = proxy::commands::browser_prompt(identity(), authorization, browser);
    CHECK(prompt.starts_with("Sign-in for identity 'people'. Go on only if you started this yourself: "));
    CHECK(prompt.find("\n\n" + authorization.url() + "\n\n") != std::string::npos);
    CHECK(prompt.find("  app       00000000-0000-0000-0000-00000000000a\n") != std::string::npos);
    CHECK((prompt.find("begins with http://localhost:8095,") != std::string::npos) ==
          (browser == proxy::commands::BrowserIs::elsewhere));
  }
}

TEST_CASE("a failed sign-in is told with cause, next step and the provider's reference") {
  auth::TokenError error;
  error.error = "access_denied";
  error.description = "AADSTS53003: Access has been blocked by Conditional Access policies.";
  error.trace_id = "abc";
  error.correlation_id = "def";
  CHECK(proxy::commands::failure_words(identity(), error) ==
        "sign-in for identity 'people' failed: access_denied: AADSTS53003: Access has been blocked by Conditional "
        "Access policies.\n"
        "  cause     blocked by Conditional Access\n"
        "  next      find the policy in the sign-in log of the identity; exclude the app or allow this address\n"
        "  trace     abc\n"
        "  request   def\n");
  error = {};
  error.error = "something_new";
  CHECK(proxy::commands::failure_words(identity(), error) == "sign-in for identity 'people' failed: something_new\n");
}

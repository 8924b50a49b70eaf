#include "proxy/keeper/one_exchange.h"

#include <optional>

#include "proxy/keeper/token_fetcher.h"

namespace saslift::proxy::keeper {

auth::FetchOutcome exchange_once(auth::TokenRequest request) {
  net::Loop loop;
  std::optional<auth::FetchOutcome> outcome;
  TokenFetcher fetcher(loop, Program{.arguments = {"fetch"}}, {}, [&](const auto&, auth::FetchOutcome fetched) {
    outcome = std::move(fetched);
    loop.stop();
  });
  fetcher.fetch({.key = {}, .request = std::move(request)});
  loop.run();
  if (!outcome) return std::unexpected(auth::FetchError{auth::FetchFailure::died, "no answer"});
  return std::move(*outcome);
}

}  // namespace saslift::proxy::keeper

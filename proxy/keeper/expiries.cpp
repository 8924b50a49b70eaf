#include "proxy/keeper/expiries.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>
#include <memory>

namespace saslift::proxy::keeper {
namespace {

struct BioDeleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct CertificateDeleter {
  void operator()(X509* certificate) const { X509_free(certificate); }
};

}  // namespace

std::optional<std::int64_t> certificate_ends(const config::Secret& pem) {
  if (pem.empty()) return std::nullopt;
  const std::unique_ptr<BIO, BioDeleter> bio(BIO_new_mem_buf(pem.reveal().data(), static_cast<int>(pem.size())));
  const std::unique_ptr<X509, CertificateDeleter> certificate(
      PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  std::tm ends{};
  if (!certificate || ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &ends) != 1) return std::nullopt;
  return std::int64_t{::timegm(&ends)};
}

}  // namespace saslift::proxy::keeper

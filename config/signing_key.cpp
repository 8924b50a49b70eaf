#include "config/signing_key.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <memory>
#include <vector>

#include "config/released_by.h"

namespace saslift::config {
namespace {

using Bio = std::unique_ptr<BIO, ReleasedBy<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, ReleasedBy<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, ReleasedBy<EVP_PKEY_free>>;
using Pkcs12 = std::unique_ptr<PKCS12, ReleasedBy<PKCS12_free>>;
using Context = std::unique_ptr<OSSL_LIB_CTX, ReleasedBy<OSSL_LIB_CTX_free>>;
using Module = std::unique_ptr<OSSL_PROVIDER, ReleasedBy<OSSL_PROVIDER_unload>>;
using Certificates = std::vector<Certificate>;
struct FreesStack {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_pop_free(stack, X509_free); }
};

constexpr int fewest_bits = 2048;  // RFC 7518 3.3, 3.5

std::unexpected<SigningKeyRefused> refuse(std::string text) {
  ERR_clear_error();
  return std::unexpected(SigningKeyRefused{std::move(text)});
}

Bio reading(std::string_view bytes) { return Bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size()))); }

// The library would ask for it on the terminal.
int give_password(char* buffer, int size, int, void* given) {
  const auto password = *static_cast<const std::string_view*>(given);
  if (password.empty() || password.size() > static_cast<std::size_t>(size)) return -1;
  std::memcpy(buffer, password.data(), password.size());
  return static_cast<int>(password.size());
}

bool is_encrypted(std::string_view pem) {
  return pem.find("ENCRYPTED") != std::string_view::npos && pem.find("PRIVATE KEY-----") != std::string_view::npos;
}

struct Locked {
  std::string_view bytes;
  std::string_view password;  // empty: none
};

Key pem_key(Locked pem) {
  const Bio bio = reading(pem.bytes);
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, give_password, &pem.password));
  ERR_clear_error();
  return key;
}

Certificates pem_certificates(std::string_view pem) {
  Certificates certificates;
  const Bio bio = reading(pem);
  std::string_view none;
  while (X509* one = PEM_read_bio_X509(bio.get(), nullptr, give_password, &none)) certificates.emplace_back(one);
  ERR_clear_error();
  return certificates;
}

bool is_pem(std::string_view bytes) { return bytes.find("-----BEGIN ") != std::string_view::npos; }

std::string der_of(X509* certificate) {
  std::string der(static_cast<std::size_t>(std::max(i2d_X509(certificate, nullptr), 0)), '\0');
  auto* out = reinterpret_cast<unsigned char*>(der.data());
  i2d_X509(certificate, &out);
  return der;
}

// PKCS#8, as the fetch process takes it.
Secret pem_of(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_secmem()));
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) return {};
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &bytes);
  Secret pem = Secret::guarded({bytes, static_cast<std::size_t>(size)});
  OPENSSL_cleanse(bytes, static_cast<std::size_t>(size));
  return pem;
}

std::expected<SigningKey, SigningKeyRefused> fitting(const Key& key, const Certificates& certificates) {
  if (EVP_PKEY_is_a(key.get(), "RSA") != 1)
    return refuse("the key is no RSA key, which PS256 and RS256 take; make the certificate with RSA");
  if (EVP_PKEY_get_bits(key.get()) < fewest_bits)
    return refuse("the RSA key has fewer than 2048 bits; make a longer one");
  SigningKey signing;
  signing.pem = pem_of(key.get());
  if (signing.pem.empty()) return refuse("the key cannot be written as PKCS#8");
  for (const Certificate& certificate : certificates) {
    if (X509_check_private_key(certificate.get(), key.get()) != 1) continue;
    signing.certificate_der = der_of(certificate.get());
    ERR_clear_error();
    return signing;
  }
  ERR_clear_error();
  if (certificates.empty()) return signing;
  return refuse("no certificate in it belongs to the key; put the two that were made together there");
}

struct OpenedPkcs12 {
  Key key;
  Certificates certificates;
};

// Windows long wrote RC2 and 3DES, which take the library's legacy module; in a context of its own, so that
// nothing else can come to use it.
std::expected<OpenedPkcs12, SigningKeyRefused> open_pkcs12(Locked file) {
  const Context context(OSSL_LIB_CTX_new());
  const Module usual(OSSL_PROVIDER_load(context.get(), "default"));
  const Module legacy(OSSL_PROVIDER_try_load(context.get(), "legacy", 1));
  PKCS12* filled = PKCS12_init_ex(NID_pkcs7_data, context.get(), nullptr);
  const Bio bio = reading(file.bytes);
  const bool is_pkcs12 = d2i_PKCS12_bio(bio.get(), &filled) != nullptr;
  const Pkcs12 box(filled);  // freed and null already where it is ASN.1 of another kind
  if (!is_pkcs12) return refuse("is neither PEM (-----BEGIN CERTIFICATE-----) nor PKCS#12 (.pfx)");
  std::string word(file.password);
  const bool opens = PKCS12_verify_mac(box.get(), word.c_str(), static_cast<int>(word.size())) == 1 ||
                     (word.empty() && PKCS12_verify_mac(box.get(), nullptr, 0) == 1);
  EVP_PKEY* key = nullptr;
  X509* leaf = nullptr;
  STACK_OF(X509)* others = nullptr;
  const bool parsed = opens && PKCS12_parse(box.get(), word.c_str(), &key, &leaf, &others) == 1;
  wipe(word);
  const std::unique_ptr<STACK_OF(X509), FreesStack> rest(others);
  OpenedPkcs12 opened;
  opened.certificates.emplace_back(leaf);
  if (!opens) {
    return refuse(file.password.empty() ? "is PKCS#12 with a password; give it as certificate_password = \"file:...\""
                                        : "does not open with 'certificate_password'");
  }
  const Key inside(key);
  if (!parsed) return refuse("is PKCS#12 that cannot be read; export it anew with AES-256");
  if (!inside || leaf == nullptr) return refuse("is PKCS#12 without a key and its certificate; export both");
  // Out of the context, which ends here.
  const Secret pem = pem_of(inside.get());
  opened.key = pem_key({.bytes = pem.reveal(), .password = {}});
  const std::string der = der_of(leaf);
  const auto* in = reinterpret_cast<const unsigned char*>(der.data());
  opened.certificates.clear();
  opened.certificates.emplace_back(d2i_X509(nullptr, &in, static_cast<long>(der.size())));
  return opened;
}

}  // namespace

std::expected<SigningKey, SigningKeyRefused> read_signing_key(const SigningKeyParts& parts) {
  if (!is_pem(parts.certificate)) {
    if (!parts.key.empty()) return refuse("is no PEM, as a certificate with its key elsewhere must be");
    const auto opened = open_pkcs12({.bytes = parts.certificate, .password = parts.password});
    if (!opened) return std::unexpected(opened.error());
    return fitting(opened->key, opened->certificates);
  }
  const Certificates certificates = pem_certificates(parts.certificate);
  if (certificates.empty()) return refuse("holds no certificate (-----BEGIN CERTIFICATE-----) that can be read");
  const std::string_view pem = parts.key.empty() ? parts.certificate : parts.key;
  const Key key = pem_key({.bytes = pem, .password = parts.password});
  if (key) return fitting(key, certificates);
  if (!is_encrypted(pem)) return refuse("holds no key (-----BEGIN PRIVATE KEY-----) that can be read");
  return refuse(parts.password.empty() ? "holds a key with a password; give it as certificate_password = \"file:...\""
                                       : "holds a key that does not open with 'certificate_password'");
}

std::expected<SigningKey, SigningKeyRefused> read_certificate_alone(std::string_view pem_or_der) {
  SigningKey signing;
  if (is_pem(pem_or_der)) {
    const Certificates certificates = pem_certificates(pem_or_der);
    if (!certificates.empty()) signing.certificate_der = der_of(certificates.front().get());
  } else {
    const auto* in = reinterpret_cast<const unsigned char*>(pem_or_der.data());
    const Certificate certificate(d2i_X509(nullptr, &in, static_cast<long>(pem_or_der.size())));
    if (certificate) signing.certificate_der = der_of(certificate.get());
  }
  if (signing.certificate_der.empty()) return refuse("holds no certificate that can be read");
  return signing;
}

std::expected<SigningKey, SigningKeyRefused> read_key_alone(std::string_view pem) {
  const Key key = pem_key({.bytes = pem, .password = {}});
  if (!key) return refuse("holds no key (-----BEGIN PRIVATE KEY-----) that can be read");
  return fitting(key, {});
}

std::optional<CertificateFacts> facts_of_certificate(const std::string& der) {
  const auto* in = reinterpret_cast<const unsigned char*>(der.data());
  const Certificate certificate(d2i_X509(nullptr, &in, static_cast<long>(der.size())));
  std::tm end{};
  if (!certificate || ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &end) != 1) {
    ERR_clear_error();
    return std::nullopt;
  }
  CertificateFacts facts;
  facts.not_after = std::chrono::sys_seconds(std::chrono::seconds(timegm(&end)));
  const auto digest = [&](const EVP_MD* kind) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned size = 0;
    X509_digest(certificate.get(), kind, bytes.data(), &size);
    return std::string(reinterpret_cast<const char*>(bytes.data()), size);
  };
  facts.sha1 = digest(EVP_sha1());
  facts.sha256 = digest(EVP_sha256());
  return facts;
}

}  // namespace saslift::config

#include "proxy/keeper/self_signed.h"

#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>

#include "config/released_by.h"

namespace saslift::proxy::keeper {
namespace {

constexpr unsigned key_bits = 2048;
constexpr int serial_bits = 127;  // RFC 5280 4.1.2.2: positive, at most 20 bytes
constexpr std::size_t longest_common_name = 64;
// Devices' clocks are wrong more often than not.
constexpr std::chrono::hours already_valid_for{24};

using Key = std::unique_ptr<EVP_PKEY, config::ReleasedBy<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, config::ReleasedBy<X509_free>>;
using Bio = std::unique_ptr<BIO, config::ReleasedBy<BIO_free>>;
using Number = std::unique_ptr<BIGNUM, config::ReleasedBy<BN_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, config::ReleasedBy<X509_EXTENSION_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, config::ReleasedBy<GENERAL_NAMES_free>>;

template <class Result>
void require(const Result& result) {
  if (!result) throw std::runtime_error("the self-signed certificate cannot be made");
}

void set_serial(X509* certificate) {
  const Number number(BN_new());
  require(number && BN_rand(number.get(), serial_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1);
  require(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)));
}

void set_time(ASN1_TIME* field, WallTime time) {
  require(ASN1_TIME_set(field, std::chrono::system_clock::to_time_t(time)));
}

void set_subject(X509* certificate, const std::string& host) {
  X509_NAME* name = X509_get_subject_name(certificate);
  const std::string common = host.substr(0, longest_common_name);
  require(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common.data()),
                                     static_cast<int>(common.size()), -1, 0));
  require(X509_set_issuer_name(certificate, name));
}

void add_extension(X509* certificate, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value));
  require(extension && X509_add_ext(certificate, extension.get(), -1) == 1);
}

void add_name(GENERAL_NAMES* names, int kind, std::string_view value) {
  ASN1_STRING* text = kind == GEN_DNS ? ASN1_IA5STRING_new() : ASN1_OCTET_STRING_new();
  require(text != nullptr && ASN1_STRING_set(text, value.data(), static_cast<int>(value.size())) == 1);
  GENERAL_NAME* name = GENERAL_NAME_new();
  require(name);
  GENERAL_NAME_set0_value(name, kind, text);
  require(sk_GENERAL_NAME_push(names, name));
}

void add_names(X509* certificate, const OwnNames& wanted) {
  const Names names(GENERAL_NAMES_new());
  require(names);
  for (const std::string& host : wanted.hosts) add_name(names.get(), GEN_DNS, host);
  for (const config::IpAddress& address : wanted.addresses) add_name(names.get(), GEN_IPADD, address.bytes());
  require(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, 0) == 1);
}

config::Secret as_pem(X509* certificate, EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_secmem()));
  require(bio && PEM_write_bio_X509(bio.get(), certificate) == 1);
  require(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  config::Secret pem = config::Secret::guarded({data, static_cast<std::size_t>(size)});
  config::wipe(data, static_cast<std::size_t>(size));
  return pem;
}

}  // namespace

config::Secret make_self_signed(const OwnNames& names, WallTime now) {
  const Key key(EVP_RSA_gen(key_bits));
  const Certificate certificate(X509_new());
  require(key && certificate && X509_set_version(certificate.get(), X509_VERSION_3) == 1);
  set_serial(certificate.get());
  set_time(X509_getm_notBefore(certificate.get()), now - already_valid_for);
  set_time(X509_getm_notAfter(certificate.get()), now + own_certificate_life);
  require(X509_set_pubkey(certificate.get(), key.get()) == 1);
  set_subject(certificate.get(), names.hosts.front());
  add_extension(certificate.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(certificate.get(), NID_key_usage, "critical,digitalSignature,keyEncipherment");
  add_extension(certificate.get(), NID_ext_key_usage, "serverAuth");
  add_extension(certificate.get(), NID_subject_key_identifier, "hash");
  add_names(certificate.get(), names);
  require(X509_sign(certificate.get(), key.get(), EVP_sha256()));
  return as_pem(certificate.get(), key.get());
}

}  // namespace saslift::proxy::keeper

#include "certificates.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <stdexcept>

namespace saslift::proxy::net::testing {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

Key make_key(int rsa_bits) {
  EVP_PKEY* key = rsa_bits == 0 ? EVP_EC_gen("P-256") : EVP_RSA_gen(static_cast<unsigned>(rsa_bits));
  if (key == nullptr) throw std::runtime_error("no key");
  return {key, EVP_PKEY_free};
}

void set_name(X509_NAME* name, const std::string& common_name) {
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(common_name.c_str()), -1,
                             -1, 0);
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) throw std::runtime_error("no extension from " + value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

void add_raw_dns_name(X509* certificate, const std::string& name) {
  GENERAL_NAMES* names = GENERAL_NAMES_new();
  GENERAL_NAME* one = GENERAL_NAME_new();
  ASN1_IA5STRING* text = ASN1_IA5STRING_new();
  ASN1_STRING_set(text, name.data(), static_cast<int>(name.size()));
  GENERAL_NAME_set0_value(one, GEN_DNS, text);
  sk_GENERAL_NAME_push(names, one);
  X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0);
  GENERAL_NAMES_free(names);
}

Certificate make_certificate(EVP_PKEY* key, const Leaf& leaf) {
  static long serial = 1;
  Certificate certificate(X509_new(), X509_free);
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), leaf.starts_in_seconds);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), leaf.ends_in_seconds);
  X509_set_pubkey(certificate.get(), key);
  set_name(X509_get_subject_name(certificate.get()), leaf.common_name);
  return certificate;
}

template <class Write>
std::string pem_of(Write write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), BIO_free);
  write(bio.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string pem_of(X509* certificate) {
  return pem_of([&](BIO* bio) { PEM_write_bio_X509(bio, certificate); });
}

}  // namespace

Authority::Authority(const std::string& name) : key_(make_key(0)), certificate_(nullptr, X509_free) {
  Leaf self;
  self.common_name = name;
  certificate_ = make_certificate(key_.get(), self);
  X509_set_issuer_name(certificate_.get(), X509_get_subject_name(certificate_.get()));
  add_extension(certificate_.get(), certificate_.get(), NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate_.get(), certificate_.get(), NID_key_usage, "critical,keyCertSign");
  X509_sign(certificate_.get(), key_.get(), EVP_sha256());
}

std::string Authority::issue(const Leaf& leaf) const {
  const Key key = make_key(leaf.rsa_bits);
  const Certificate certificate = make_certificate(key.get(), leaf);
  const bool own = leaf.signer == Leaf::Signer::itself;
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(own ? certificate.get() : certificate_.get()));
  std::string names;
  for (const auto& name : leaf.alternative_names) names += (names.empty() ? "" : ",") + name;
  if (!names.empty()) add_extension(certificate.get(), certificate_.get(), NID_subject_alt_name, names);
  if (!leaf.raw_dns_name.empty()) add_raw_dns_name(certificate.get(), leaf.raw_dns_name);
  X509_sign(certificate.get(), own ? key.get() : key_.get(), EVP_sha256());
  return pem_of(certificate.get()) +
         pem_of([&](BIO* bio) { PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
}

std::string Authority::certificate_pem() const { return pem_of(certificate_.get()); }

}  // namespace saslift::proxy::net::testing

// The owner of what a C library allocates: std::unique_ptr<BIO, ReleasedBy<BIO_free_all>>.
#pragma once

namespace saslift::config {

template <auto release>
struct ReleasedBy {
  template <class Thing>
  void operator()(Thing* thing) const {
    release(thing);
  }
};

}  // namespace saslift::config

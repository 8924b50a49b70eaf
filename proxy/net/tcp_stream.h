// TCP by libuv. Reads into the loop's one buffer; writes at once what the kernel takes and keeps the rest.
#pragma once

#include "proxy/net/byte_stream.h"
#include "proxy/net/loop.h"
#include "proxy/net/uv_handle.h"

namespace saslift::proxy::net {

class TcpStream final : public ByteStream {
 public:
  // A connected handle. Sets NODELAY, keepalive and the user timeout, so that a vanished peer is noticed
  // within ten minutes.
  TcpStream(Loop& loop, UvHandle<uv_tcp_t> handle);
  ~TcpStream() override;

  void set_reader(Reader& reader) override { reader_ = &reader; }
  void start_reading() override;
  void stop_reading() override;
  void limit_reads(std::size_t most) override { read_limit_ = most; }
  void write(std::string_view bytes) override;
  [[nodiscard]] std::size_t unsent() const override;
  void finish_writing() override;
  [[nodiscard]] HalfClose half_close() const override { return HalfClose::possible; }

  // Numeric, without port; empty when the peer is gone already.
  [[nodiscard]] std::string peer_address() const;

 private:
  void fail(int error);
  void writing_failed(int error);

  Loop& loop_;
  UvHandle<uv_tcp_t> handle_;
  Reader* reader_ = nullptr;
  std::size_t read_limit_ = 0;  // 0: the whole buffer
  bool failed_ = false;
  int write_error_ = 0;  // told once what the peer said last has been read
  bool reading_ = false;
};

}  // namespace saslift::proxy::net

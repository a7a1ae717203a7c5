// An address of a socket: IPv4 or IPv6 with a port, or a path.
//
//   auto a = weft::net::address::parse("[::1]:8080");        // also "10.0.0.1:80", "10.0.0.1", "::1", "fe80::1%eth0"
//   auto b = weft::net::address::unix_path("/run/app.sock"); // "@name": Linux's abstract names
//   std::puts(a->to_string().c_str());
#pragma once

#include <array>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

#include <weft/error.h>

namespace weft::net {

class address {
 public:
  enum class kind : std::uint8_t { none, ipv4, ipv6, unix_path };

  address() noexcept = default;  // of no kind; "" as text

  // Numbers only, no names; the port may be missing (0). Text with a slash, or a leading '@', is a path.
  static result<address> parse(std::string_view text);
  static address ipv4(std::array<std::uint8_t, 4> ip, std::uint16_t port = 0) noexcept;
  static address ipv6(std::array<std::uint8_t, 16> ip, std::uint16_t port = 0, std::uint32_t scope = 0) noexcept;
  static address unix_path(std::string path);  // "": an unnamed Unix socket

  [[nodiscard]] kind family() const noexcept { return kind_; }
  [[nodiscard]] bool is_ipv4() const noexcept { return kind_ == kind::ipv4; }
  [[nodiscard]] bool is_ipv6() const noexcept { return kind_ == kind::ipv6; }
  [[nodiscard]] bool is_unix() const noexcept { return kind_ == kind::unix_path; }
  [[nodiscard]] bool is_loopback() const noexcept;     // 127.0.0.0/8 or ::1
  [[nodiscard]] bool is_unspecified() const noexcept;  // 0.0.0.0 or ::
  [[nodiscard]] bool is_multicast() const noexcept;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }  // 0: none
  [[nodiscard]] address with_port(std::uint16_t port) const;

  // The bytes in the order of the network; the first four of an IPv4 address.
  [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const noexcept { return ip_; }
  [[nodiscard]] std::uint32_t scope() const noexcept { return scope_; }         // IPv6: the index of the interface; 0: none
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  [[nodiscard]] std::string host() const;       // without the port: "10.0.0.1", "::1"
  [[nodiscard]] std::string to_string() const;  // "10.0.0.1:80", "[::1]:80", "/run/app.sock"

  friend bool operator==(const address&, const address&) noexcept = default;
  friend auto operator<=>(const address&, const address&) noexcept = default;

  template <class Traits>
  friend std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out, const address& a) {
    return out << a.to_string();
  }

 private:
  kind kind_ = kind::none;
  std::uint16_t port_ = 0;
  std::uint32_t scope_ = 0;
  std::array<std::uint8_t, 16> ip_{};
  std::string path_;
};

}  // namespace weft::net

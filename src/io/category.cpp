#include <weft/io.h>

namespace weft::io {
namespace {

class stream_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "weft.io"; }

  std::string message(int code) const override {
    switch (static_cast<errc>(code)) {
      case errc::end_of_stream: return "end of stream";
      case errc::truncated: return "stream ended early";
    }
    return "unknown stream error";
  }

  std::error_condition default_error_condition(int) const noexcept override {
    return std::make_error_condition(std::errc::no_message_available);
  }
};

}  // namespace

const std::error_category& category() noexcept {
  // Never destroyed: an error may be looked at while static objects go.
  static const auto& instance = *new stream_category;
  return instance;
}

}  // namespace weft::io

// libcurl and nginx, behind a proxy that is 100 ms slow.
#include <curl/curl.h>

#include <fstream>

#include "hook/many_queries.h"
#include "hook/servers.h"

namespace {

using hook_test::words;

struct curl_client {
  explicit curl_client(int port) : handle(curl_easy_init()) {
    const std::string url = "http://127.0.0.1:" + std::to_string(port) + "/";
    curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);  // as every program with threads has to
    curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &body);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, +[](char* bytes, std::size_t size, std::size_t count, void* into) {
      static_cast<std::string*>(into)->append(bytes, size * count);
      return size * count;
    });
  }
  ~curl_client() { curl_easy_cleanup(handle); }
  bool ask(int) {
    body.clear();
    return curl_easy_perform(handle) == CURLE_OK && body == "from nginx\n";
  }
  CURL* const handle;
  std::string body;
};

void write_settings(const hook_test::fs::path& folder, int port) {
  std::ofstream(folder / "nginx.conf")
      << "daemon off; worker_processes 1; pid " << folder.string() << "/pid; error_log stderr;\n"
      << "events { worker_connections 4096; }\n"
      << "http { access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f;\n"
      << "uwsgi_temp_path u; scgi_temp_path s; keepalive_timeout 60;\n"
      << "server { listen 127.0.0.1:" << port << " backlog=4096; location / { return 200 'from nginx\\n'; } } }\n";
}

TEST(hook_curl, a_thousand_requests_at_once) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  hook_test::server nginx("nginx", [](const auto& folder, int port) {
    write_settings(folder, port);
    return words{"-p", folder, "-c", folder / "nginx.conf", "-e", "stderr"};
  });
  if (!nginx.is_there()) GTEST_SKIP() << nginx.why_not();
  hook_test::slow_proxy proxy(nginx.port());
  hook_test::expect_many<curl_client>("libcurl", proxy.port(), 1000);
}

}  // namespace

// A goroutine and a channel. weft::run makes main a goroutine too.
#include <weft/weft.h>

#include <cstdio>
#include <string>

int main() {
  return weft::run([] {
    weft::chan<std::string> words;
    weft::go([words] {
      words.send("hello");
      words.send("from a goroutine");
      words.close();
    });
    for (const std::string& word : words) std::puts(word.c_str());
  });
}

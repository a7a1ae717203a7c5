// Stages joined by channels; each closes its output when its input ends. The views say who sends and who receives.
#include <weft/weft.h>

#include <cstdio>

weft::receiver<int> count_to(int last) {
  weft::chan<int> out;
  weft::go([=] {
    for (int i = 1; i <= last; ++i) out.send(i);
    out.close();
  });
  return out;
}

weft::receiver<int> squares_of(weft::receiver<int> in) {
  weft::chan<int> out;
  weft::go([=] {
    for (int value : in) out.send(value * value);
    out.close();
  });
  return out;
}

weft::receiver<int> odd_ones_of(weft::receiver<int> in) {
  weft::chan<int> out;
  weft::go([=] {
    for (int value : in)
      if (value % 2 == 1) out.send(value);
    out.close();
  });
  return out;
}

int main() {
  return weft::run([] {
    for (int value : odd_ones_of(squares_of(count_to(9)))) std::printf("%d ", value);
    std::printf("\n");
  });
}

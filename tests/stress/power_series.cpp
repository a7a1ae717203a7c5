// Squinting at Power Series (M. D. McIlroy, 1989): power series are channels of their coefficients, operations are networks
// of goroutines, and a series may be defined by an equation in which it occurs itself. After Go's test/chan/powser1.go.
//
// Coefficients are fractions modulo a prime: exact, and they never overflow, however far a network runs ahead.
#include "support/everywhere.h"

#include <weft/weft.h>

#include <cstdint>
#include <deque>
#include <ostream>
#include <utility>
#include <vector>

namespace {

constexpr std::int64_t prime = 998'244'353;

constexpr std::int64_t power(std::int64_t base, std::int64_t exponent) {
  std::int64_t result = 1;
  for (; exponent > 0; exponent /= 2, base = base * base % prime)
    if (exponent % 2) result = result * base % prime;
  return result;
}

struct fraction {
  std::int64_t residue = 0;
  constexpr fraction(std::int64_t over = 0, std::int64_t under = 1)
      : residue((over % prime + prime) % prime * power(under, prime - 2) % prime) {}
  friend bool operator==(const fraction&, const fraction&) = default;
  friend fraction operator+(fraction a, fraction b) { return a.residue + b.residue; }
  friend fraction operator*(fraction a, fraction b) { return a.residue * b.residue; }
  friend std::ostream& operator<<(std::ostream& out, fraction f) { return out << f.residue; }
};

using series = weft::receiver<fraction>;
using coefficients = weft::chan<fraction>;

// The network of one expression. Its goroutines run until the end of the scope.
class network {
 public:
  network() : ctx_(weft::with_cancel(weft::background())) {}
  ~network() {
    ctx_.cancel();
    nodes_.wait();
  }

  series add(series f, series g) {
    return node([=, this](coefficients out) {
      while (put(out, get(f) + get(g))) continue;
    });
  }
  series scale(fraction c, series f) {
    return node([=, this](coefficients out) {
      while (put(out, c * get(f))) continue;
    });
  }
  // fg = f0 g0 + x (f0 G + g0 F + x F G), where F and G are what follows f0 and g0.
  series multiply(series f, series g) {
    return node([=, this](coefficients out) {
      const fraction f0 = get(f), g0 = get(g);
      if (!put(out, f0 * g0)) return;
      auto [f1, f2] = split(f);
      auto [g1, g2] = split(g);
      const series cross = add(scale(f0, g1), scale(g0, f1));
      if (!put(out, get(cross))) return;
      copy(add(cross, multiply(f2, g2)), out);
    });
  }
  // c + the integral of f from 0 to x.
  series integrate(fraction c, series f) {
    return node([=, this](coefficients out) {
      if (!put(out, c)) return;
      for (std::int64_t n = 1; put(out, get(f) * fraction(1, n)); ++n) continue;
    });
  }
  // Two readers of one series, each at its own pace. The source is asked when one of them has nothing left, but the other
  // one lags by a few coefficients at most: a series that feeds on itself would run away from its readers.
  std::pair<series, series> split(series f) {
    coefficients left, right;
    nodes_.go([=, this] {
      std::deque<fraction> to_left, to_right;
      while (!ctx_.cancelled()) {
        const bool is_wanted = to_left.empty() || to_right.empty(), is_level = to_left.size() + to_right.size() < 4;
        auto more = weft::on_recv(f);
        auto l = weft::on_send(left, to_left.empty() ? fraction(0) : to_left.front());
        auto r = weft::on_send(right, to_right.empty() ? fraction(0) : to_right.front());
        auto quit = weft::on_done(ctx_);
        weft::select(weft::when(is_wanted && is_level, more), weft::when(!to_left.empty(), l),
                     weft::when(!to_right.empty(), r), quit);
        if (l) to_left.pop_front();
        if (r) to_right.pop_front();
        if (const auto c = more.take()) {
          to_left.push_back(*c);
          to_right.push_back(*c);
        }
      }
    });
    return {left, right};
  }
  // A series that occurs in its own definition: what the equation yields flows back into the name it was given.
  template <class Equation>
  series fixed_point(Equation equation) {
    coefficients name;
    auto [back, result] = split(equation(series(name)));
    nodes_.go([=, this, back = back] { copy(back, name); });
    return result;
  }
  series constant(fraction c) {
    return node([=, this](coefficients out) {
      for (bool alive = put(out, c); alive; alive = put(out, {0})) continue;
    });
  }
  std::vector<fraction> first(int count, series f) {
    std::vector<fraction> result;
    while (count-- > 0) result.push_back(get(f));
    return result;
  }

 private:
  template <class Body>
  series node(Body body) {
    coefficients out;
    nodes_.go([=]() mutable { body(out); });
    return out;
  }
  fraction get(series f) {
    auto c = weft::on_recv(f);
    auto quit = weft::on_done(ctx_);
    weft::select(c, quit);
    return c ? *c.take() : fraction(0);
  }
  void copy(series from, coefficients to) {
    while (put(to, get(from))) continue;
  }
  bool put(const coefficients& out, fraction c) {
    auto value = weft::on_send(out, c);
    auto quit = weft::on_done(ctx_);
    return weft::select(value, quit) == 0;
  }
  weft::cancel_context ctx_;
  weft::wait_group nodes_;
};

}  // namespace

class power_series : public testing::TestWithParam<int> {
 protected:
  support::procs_scope procs_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(on, power_series, testing::Values(1, 2, 8), [](const auto& info) {
  return std::to_string(info.param) + "_processors";
});

TEST_P(power_series, the_exponential_is_its_own_integral) {
  network n;
  const series exp = n.fixed_point([&](series e) { return n.integrate({1}, e); });
  const std::vector<fraction> factorials{{1}, {1}, {1, 2}, {1, 6}, {1, 24}, {1, 120}, {1, 720}, {1, 5040}, {1, 40320}};
  EXPECT_EQ(n.first(9, exp), factorials);
}

TEST_P(power_series, the_exponential_times_that_of_the_negative_is_one) {
  network n;
  const series exp = n.fixed_point([&](series e) { return n.integrate({1}, e); });
  const series inverse = n.fixed_point([&](series e) { return n.integrate({1}, n.scale({-1}, e)); });
  const std::vector<fraction> one{{1}, {0}, {0}, {0}, {0}, {0}, {0}, {0}};
  EXPECT_EQ(n.first(8, n.multiply(exp, inverse)), one);
}

// tan' = 1 + tan²: a network that grows with every coefficient and feeds on its own output.
TEST_P(power_series, the_tangent_solves_its_differential_equation) {
  network n;
  const series tan = n.fixed_point([&](series t) {
    auto [a, b] = n.split(t);
    return n.integrate({0}, n.add(n.constant({1}), n.multiply(a, b)));
  });
  const std::vector<fraction> known{{0}, {1},       {0}, {1, 3},     {0}, {2, 15},
                                    {0}, {17, 315}, {0}, {62, 2835}, {0}, {1382, 155925}};
  EXPECT_EQ(n.first(12, tan), known);
}

# Makes one C++ file of the code blocks in a Markdown file. A block "```cpp file" goes to namespace scope as it is, a block
# "```cpp" becomes the body of a function. Line numbers in compiler messages are those of the Markdown file.
BEGIN {
  n = split("algorithm cassert cctype cstdio deque mutex string vector", header, " ")
  for (i = 1; i <= n; ++i) print "#include <" header[i] ">"
}
/^```cpp file$/ { inside = 1; in_function = 0; start(); next }
/^```cpp$/      { inside = 1; in_function = 1; start(); printf "void snippet_%d() {\n", ++count; next }
/^```$/ && inside { if (in_function) print "}"; inside = 0; next }
inside { print }

function start() { printf "#line %d \"%s\"\n", FNR + (in_function ? 0 : 1), FILENAME }

"""A fuzzer that makes and opens thousands of damaged files, of every kind that anir opens."""

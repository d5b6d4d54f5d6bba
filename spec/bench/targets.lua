--- What we set out to reach: how many times faster than the best peer (1 and 2 threads), and how
-- close to the floor (1 thread).
return {
  W1 = { peer = 10, eager_peer = 100, us = 1.2 },
  W2 = { peer = 2, floor = 1.1 },
  W3 = { peer = 1.1, floor = 1.05, threads = 1.6 },
  W4 = { peer = 1.3, floor = 1.35, threads = 1.6 },
  W5 = { peer = 1.25, floor = 1.1 },
  W6 = { peer = 1.25, floor = 1.2, threads = 1.6 },
  W7 = { peer = 2, floor = 1.25 },
}

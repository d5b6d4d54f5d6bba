/*
** The loop of one rule over one block of n <= BLOCK elements, without and with statistics. Included
** for each rule with STEP = T f(const NAME(rates) *c, T g, T s[3]), which turns a gradient into a
** step and updates the slots; LOOP(x) = function name; SLOTS = number of slots.
**
** Statistics ride in the shadow of the square root and the division: sums and least squares in
** lanes; exact counts are made from `was` and `step` where a least square says that there may be
** something to count.
*/
LDB_INLINE T LOOP(element)(const NAME(rates) * c, int64_t i, const T *g, const T *shrink, T *w,
                           T *s0, T *s1, T *s2, T *step) {
  T s[3];
  (void)s, (void)s0, (void)s1, (void)s2;
#if SLOTS > 0
  s[0] = s0[i];
#endif
#if SLOTS > 1
  s[1] = s1[i];
#endif
#if SLOTS > 2
  s[2] = s2[i];
#endif
  const T d = STEP(c, g[i], s), now = w[i] - shrink[i] - d;
#if SLOTS > 0
  s0[i] = s[0];
#endif
#if SLOTS > 1
  s1[i] = s[1];
#endif
#if SLOTS > 2
  s2[i] = s[2];
#endif
  w[i] = now;
  *step = d + shrink[i];
  return now;
}

LDB_CLONES static void LOOP(update)(const NAME(rates) * rates, int64_t n, const T *restrict g,
                                    const T *restrict shrink, T *restrict w, T *restrict s0,
                                    T *restrict s1, T *restrict s2, NAME(kept) *restrict k,
                                    NAME(seen) *restrict out) {
  const NAME(rates) c = *rates;
  T step;
  (void)k, (void)out;
  for (int64_t i = 0; i < n; i++)
    (void)LOOP(element)(&c, i, g, shrink, w, s0, s1, s2, &step);
}

LDB_INLINE void LOOP(see)(const NAME(rates) * c, int64_t i, int64_t l, const T *g, const T *shrink,
                          T *w, T *s0, T *s1, T *s2, NAME(kept) * k, NAME(lanes) * a) {
  T step;
  const T given = g[i], old = w[i];
  const T now = LOOP(element)(c, i, g, shrink, w, s0, s1, s2, &step), moved = now - old;
  const T given_sq = given * given, moved_sq = moved * moved;
  k->was[i] = old;
  k->step[i] = step;
  a->grad[l] += given_sq;
  a->moved[l] += moved_sq;
  a->weight[l] += now * now;
  a->least_grad[l] = given_sq < a->least_grad[l] ? given_sq : a->least_grad[l];
  a->least_moved[l] = moved_sq < a->least_moved[l] ? moved_sq : a->least_moved[l];
}

LDB_CLONES static void LOOP(measure)(const NAME(rates) * rates, int64_t n, const T *restrict g,
                                     const T *restrict shrink, T *restrict w, T *restrict s0,
                                     T *restrict s1, T *restrict s2, NAME(kept) *restrict k,
                                     NAME(seen) *restrict out) {
  const NAME(rates) c = *rates;
  NAME(lanes) a = {{0}, {0}, {0}, {0}, {0}};
  int64_t i = 0;
  for (int l = 0; l < LANES; l++)
    a.least_grad[l] = a.least_moved[l] = 1;
  for (; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++)
      LOOP(see)(&c, i + l, l, g, shrink, w, s0, s1, s2, k, &a);
  for (int64_t l = 0; i < n; i++, l++)
    LOOP(see)(&c, i, l, g, shrink, w, s0, s1, s2, k, &a);
  *out = NAME(gather)(&a);
}

static const NAME(rule) LOOP(rule) = {LOOP(update), LOOP(measure)};

#undef STEP
#undef LOOP
#undef SLOTS

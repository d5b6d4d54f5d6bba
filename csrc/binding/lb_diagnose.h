/* What the two files of core.diagnose share. */
#ifndef LB_DIAGNOSE_H
#define LB_DIAGNOSE_H

#include "binding/lb.h"

/* Raises when the table at idx (nil and none are fine) has a key that is not in names, a
   NULL-terminated list. */
void lb_checkkeys(lua_State *L, int idx, const char *where, const char *const *names);

/* Field of the option table at idx, or fallback; raises unless it is a number. NaN is accepted only
   where fallback is NaN: it stands for "not known". */
double lb_optnumber(lua_State *L, int idx, const char *where, const char *name, double fallback);

/* Sets a field of the table on top of the stack. */
void lb_setnumber(lua_State *L, const char *name, double value);
void lb_setinteger(lua_State *L, const char *name, lua_Integer value);
void lb_setboolean(lua_State *L, const char *name, bool value);

/* Contiguous tensor seen as rows (first axis) of everything else; rank 0 is one row. */
typedef struct lb_matrix {
  lb_tensor *tensor;
  size_t rows, columns;
} lb_matrix;
lb_matrix lb_checkmatrix(lua_State *L, int idx, const char *where, const char *name);

int lb_diagnose_audit(lua_State *L);
int lb_diagnose_row_hashes(lua_State *L);

#endif

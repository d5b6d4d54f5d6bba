/*
** Constants of the elementwise functions, to more digits than a double holds.
*/
#ifndef LDB_MAP_CONST_H
#define LDB_MAP_CONST_H

#define LDB_2_SQRTPI 1.12837916709551257390  /* 2 / sqrt(pi) */
#define LDB_1_SQRT2PI 0.39894228040143267794 /* 1 / sqrt(2 pi) */
#define LDB_SQRT_2_PI 0.79788456080286535588 /* sqrt(2 / pi) */
#define LDB_SELU_ALPHA 1.6732632423543772848 /* Klambauer et al., 2017 */
#define LDB_SELU_SCALE 1.0507009873554804934

#endif

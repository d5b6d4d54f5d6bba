/*
** The ops, one line each: define X(name), include this file, undefine X. The order is that of
** ldb_op_table. New families go to the end.
*/
/* clang-format off */

/* op_arith.c */
X(add)
X(sub)
X(mul)
X(div)
X(pow)
X(maximum)
X(minimum)
X(eq)
X(ne)
X(lt)
X(le)
X(gt)
X(ge)
X(where)

/* op_unary.c */
X(neg)
X(exp)
X(log)
X(log1p)
X(expm1)
X(sqrt)
X(square)
X(abs)
X(sign)
X(sin)
X(cos)
X(tan)
X(reciprocal)
X(floor)
X(erf)
X(clip)
X(contiguous)
X(cast)

/* op_activation.c */
X(linear)
X(relu)
X(leaky_relu)
X(elu)
X(celu)
X(selu)
X(gelu)
X(silu)
X(mish)
X(softplus)
X(softsign)
X(tanh)
X(sigmoid)
X(hard_sigmoid)
X(hard_silu)
X(relu6)
X(log_sigmoid)
X(prelu)

/* op_random.c */
X(dropout)

/* op_select.c */
X(select)

/* op_reduce.c */
X(sum)
X(mean)
X(prod)
X(max)
X(min)
X(var)
X(norm)
X(logsumexp)
X(argmax)
X(argmin)

/* op_shape.c */
X(reshape)
X(transpose)
X(expand)
X(slice)
X(squeeze)
X(unsqueeze)

/* op_gather.c */
X(concat)
X(gather)
X(one_hot)
X(pad)
X(flip)

/* op_softmax.c */
X(softmax)
X(log_softmax)

/* op_matmul.c, op_dense.c */
X(matmul)
X(dense)

/* op_loss.c */
X(mse)
X(mae)
X(huber)
X(log_cosh)
X(hinge)
X(squared_hinge)
X(poisson)
X(kl)
X(msle)
X(mape)
X(cosine_similarity)

/* op_crossentropy.c */
X(binary_crossentropy)
X(categorical_crossentropy)
X(sparse_crossentropy)

/* op_norm.c */
X(moments)
X(batch_norm)
X(layer_norm)
X(group_norm)
X(rms_norm)

/* op_attention.c, op_embedding.c */
X(attention)
X(embedding)

/* op_conv.c, op_conv_transpose.c, op_depthwise.c */
X(conv1d)
X(conv2d)
X(conv1d_transpose)
X(conv2d_transpose)
X(depthwise_conv1d)
X(depthwise_conv2d)

/* op_pool.c */
X(max_pool1d)
X(max_pool2d)
X(avg_pool1d)
X(avg_pool2d)

/* op_recurrent.c */
X(simple_rnn)
X(lstm)
X(gru)

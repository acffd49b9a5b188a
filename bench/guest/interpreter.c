/* A stack machine: its program counts primes by trial division, and sorts what it found in its own memory. */
#include "work.h"

enum { STACK = 256, MEMORY = 512, LIMIT = 700 };

enum op { PUSH, LOAD, STORE, READ, WRITE, ADD, SUB, MUL, REM, LESS, EQUAL, JUMP, JUMP_ZERO, CALL, RETURN, HALT };

enum variable { N, D, COUNT, I, J, T, VARIABLES };

/* Two words each: the operation and its operand. */
static const int32_t code[] = {
  /* 0: n = LIMIT; count = 0 */
  PUSH, LIMIT, STORE, N, PUSH, 0, STORE, COUNT,
  /* 4: while (n > 1) */
  PUSH, 1, LOAD, N, LESS, 0, JUMP_ZERO, 20,
  /* 8: if (prime(n)) memory[count++] = n */
  CALL, 46, JUMP_ZERO, 15,
  LOAD, COUNT, LOAD, N, WRITE, 0, LOAD, COUNT, JUMP, 60,
  /* 15: n = n - 1 */
  LOAD, N, PUSH, 1, SUB, 0, STORE, N, JUMP, 4,
  /* 20: for (i = 1; i < count; i++) */
  PUSH, 1, STORE, I,
  LOAD, I, LOAD, COUNT, LESS, 0, JUMP_ZERO, 45,
  /* 26: j = i; while (0 < j) */
  LOAD, I, STORE, J,
  PUSH, 0, LOAD, J, LESS, 0, JUMP_ZERO, 63,
  /* 32: t = memory[j]; if (!(t < memory[j - 1])) break */
  LOAD, J, READ, 0, STORE, T,
  LOAD, T, LOAD, J, PUSH, 1, SUB, 0, READ, 0, LESS, 0, JUMP_ZERO, 63,
  /* 42: swap, j = j - 1 */
  JUMP, 67, HALT, 0, HALT, 0,
  /* 45: the end */
  HALT, 0,
  /* 46: prime(n): d = 2; while (d * d <= n) if (n % d == 0) return 0; else d++ */
  PUSH, 2, STORE, D,
  LOAD, N, LOAD, D, LOAD, D, MUL, 0, LESS, 0, JUMP_ZERO, 56,
  PUSH, 1, RETURN, 0,
  /* 56 */
  LOAD, N, LOAD, D, REM, 0, JUMP, 78,
  /* 60: count = count + 1, and on */
  PUSH, 1, ADD, 0, JUMP, 84,
  /* 63: i = i + 1 */
  LOAD, I, PUSH, 1, ADD, 0, JUMP, 86,
  /* 67 */
  LOAD, J, LOAD, J, PUSH, 1, SUB, 0, READ, 0, WRITE, 0,
  LOAD, J, PUSH, 1, SUB, 0, STORE, J,
  JUMP, 88,
  /* 78: n % d == 0 ? */
  JUMP_ZERO, 82, LOAD, D, PUSH, 1, JUMP, 91,
  /* 82 */
  PUSH, 0, RETURN, 0,
  /* 84 */
  STORE, COUNT, JUMP, 15,
  /* 86 */
  STORE, I, JUMP, 22,
  /* 88: memory[j] = t */
  LOAD, J, LOAD, T, JUMP, 94,
  /* 91: d = d + 1 */
  ADD, 0, STORE, D, JUMP, 48,
  /* 94 */
  WRITE, 0, JUMP, 28,
};

static int32_t memory[MEMORY], variables[VARIABLES];

static CALLED uint32_t run(void) {
  int32_t stack[STACK], calls[16], *top = stack;
  uint32_t at = 0, depth = 0, done = 0;
  for (;; done++) {
    int32_t operand = code[at * 2 + 1];
    switch ((enum op)code[at++ * 2]) {
      case PUSH: *top++ = operand; break;
      case LOAD: *top++ = variables[operand]; break;
      case STORE: variables[operand] = *--top; break;
      case READ: top[-1] = memory[top[-1]]; break;
      case WRITE: top -= 2; memory[top[0]] = top[1]; break;
      case ADD: top--; top[-1] += *top; break;
      case SUB: top--; top[-1] -= *top; break;
      case MUL: top--; top[-1] *= *top; break;
      case REM: top--; top[-1] %= *top; break;
      case LESS: top--; top[-1] = top[-1] < *top; break;
      case EQUAL: top--; top[-1] = top[-1] == *top; break;
      case JUMP: at = (uint32_t)operand; break;
      case JUMP_ZERO: if (*--top == 0) at = (uint32_t)operand; break;
      case CALL: calls[depth++] = (int32_t)at; at = (uint32_t)operand; break;
      case RETURN: at = (uint32_t)calls[--depth]; break;
      case HALT: return done;
    }
  }
}

static CALLED uint32_t round_of(void) {
  uint32_t sum = run();
  for (int i = 1; i < variables[COUNT]; i++) {
    if (memory[i - 1] >= memory[i]) return 0;
  }
  return mix(mix(sum, (uint32_t)variables[COUNT]), (uint32_t)memory[variables[COUNT] - 1]);
}

uint32_t work(uint32_t rounds) {
  uint32_t sum = 0;
  while (rounds-- > 0) sum = round_of();
  return sum;
}

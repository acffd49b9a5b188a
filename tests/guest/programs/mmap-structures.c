/* Pointers into mapped memory are pointers: a list and a tree that live in a file. */
#include "see.h"

struct node {
  struct node *left, *right;
  int key;
  char text[12];
};

static struct node *pool;
static int used;

static struct node **place(struct node **at, int key) {
  while (*at != NULL) at = key < (*at)->key ? &(*at)->left : &(*at)->right;
  return at;
}

static int depth(const struct node *at) {
  if (at == NULL) return 0;
  int left = depth(at->left), right = depth(at->right);
  return 1 + (left > right ? left : right);
}

static long sum(const struct node *at, int *last) {
  if (at == NULL) return 0;
  long total = sum(at->left, last);
  if (at->key < *last) printf("out of order\n");
  *last = at->key;
  return total + at->key + sum(at->right, last);
}

int main(void) {
  size_t length = 1 << 20;
  int fd = open("tree", O_RDWR | O_CREAT, 0644);
  ftruncate(fd, (off_t)length);
  pool = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  struct node *root = NULL;
  for (unsigned i = 0, key = 1; i < 5000; i++) {
    key = key * 1103515245u + 12345u;
    struct node *node = &pool[used++];
    node->key = (int)(key >> 8 & 0xffff);
    snprintf(node->text, sizeof node->text, "n%u", i);
    *place(&root, node->key) = node;
  }
  int last = -1;
  SHOW(sum(root, &last));
  SHOW(depth(root));
  TEXT(pool[4999].text);
  struct node copy;
  SEE(pread(fd, &copy, sizeof copy, 100 * (off_t)sizeof copy) == sizeof copy);
  SHOW(memcmp(&copy, &pool[100], sizeof copy));
  return 0;
}

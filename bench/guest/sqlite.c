/*
 * A work in the manner of SQLite's speedtest1, on a database in memory: bulk insertions, an index, ranges, text, joins, groups, updates, deletions, a
 * check of the whole.
 */
#include "work.h"

#include <stdio.h>
#include <stdlib.h>

#include "sqlite3.h"

enum { ROWS = 1500, WORDS_MAX = 128 };

static sqlite3 *db;
static uint32_t sum;

static void must(int ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "sqlite: %s: %s\n", what, sqlite3_errmsg(db));
  abort();
}

static void run(const char *sql) {
  must(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, sql);
}

static sqlite3_stmt *prepare(const char *sql) {
  sqlite3_stmt *statement;
  must(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK, sql);
  return statement;
}

/** Runs a statement to its end; what it gives goes into the checksum. */
static void drain(sqlite3_stmt *statement) {
  int step;
  while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
    for (int column = 0; column < sqlite3_column_count(statement); column++) {
      const unsigned char *text = sqlite3_column_text(statement, column);
      while (text && *text) sum = mix(sum, *text++);
    }
  }
  must(step == SQLITE_DONE, sqlite3_sql(statement));
  sqlite3_reset(statement);
}

static void ask(const char *sql) {
  sqlite3_stmt *statement = prepare(sql);
  drain(statement);
  sqlite3_finalize(statement);
}

/** A number in words, as speedtest1 makes its texts. */
static int words_of(uint32_t number, char *to) {
  static const char *const digits[] = {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"};
  int length = 0;
  do length += snprintf(to + length, (size_t)(WORDS_MAX - length), "%s ", digits[number % 10]); while ((number /= 10) > 0);
  return length - 1;
}

static void insert(const char *sql, uint32_t seed) {
  sqlite3_stmt *statement = prepare(sql);
  char words[WORDS_MAX];
  run("BEGIN");
  for (uint32_t i = 1; i <= ROWS; i++) {
    uint32_t random = next_random(&seed) % 1000000;
    sqlite3_bind_int64(statement, 1, i);
    sqlite3_bind_int64(statement, 2, random);
    sqlite3_bind_text(statement, 3, words, words_of(random, words), SQLITE_TRANSIENT);
    drain(statement);
  }
  run("COMMIT");
  sqlite3_finalize(statement);
}

/** Repeats a query with two numbers. */
static void repeat(const char *sql, int times, uint32_t step, uint32_t width) {
  sqlite3_stmt *statement = prepare(sql);
  for (int i = 0; i < times; i++) {
    sqlite3_bind_int64(statement, 1, (uint32_t)i * step);
    sqlite3_bind_int64(statement, 2, (uint32_t)i * step + width);
    drain(statement);
  }
  sqlite3_finalize(statement);
}

static CALLED void round_of(void) {
  must(sqlite3_open(":memory:", &db) == SQLITE_OK, "open");
  run("CREATE TABLE t1(a INTEGER, b INTEGER, c TEXT); CREATE TABLE t2(a INTEGER PRIMARY KEY, b INTEGER, c TEXT);");
  insert("INSERT INTO t1 VALUES(?1, ?2, ?3)", 1);
  insert("INSERT INTO t2 VALUES(?1, ?2, ?3)", 2);
  repeat("SELECT count(*), avg(b), sum(length(c)) FROM t1 WHERE b BETWEEN ?1 AND ?2", 10, 90000, 100000);
  ask("SELECT count(*), max(c) FROM t1 WHERE c LIKE '%seven one%'");
  run("CREATE UNIQUE INDEX t1a ON t1(a); CREATE INDEX t1b ON t1(b); CREATE INDEX t1c ON t1(c);");
  repeat("SELECT count(*), sum(a) FROM t1 WHERE b BETWEEN ?1 AND ?2", 200, 4700, 20000);
  repeat("SELECT c FROM t2 WHERE a = ?1 OR a = ?2", 400, 3, 50);
  ask("SELECT t1.c, t2.b FROM t1 JOIN t2 ON t1.a = t2.a WHERE t2.b % 7 = 3 ORDER BY t2.c LIMIT 50");
  ask("SELECT substr(c, 1, 4) AS word, count(*), sum(b) FROM t1 GROUP BY word HAVING count(*) > 3 ORDER BY 3 DESC");
  ask("SELECT a, (SELECT count(*) FROM t2 WHERE t2.a < t1.a AND t2.b > 999000) FROM t1 WHERE a % 100 = 0");
  ask("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT sum(i * i % 97) FROM n");
  repeat("UPDATE t1 SET b = b + 1, c = c || '!' WHERE a BETWEEN ?1 AND ?2", 60, 20, 12);
  repeat("DELETE FROM t2 WHERE a BETWEEN ?1 AND ?2", 30, 45, 10);
  ask("SELECT json_extract(json_object('a', a, 'list', json_array(b, c)), '$.list[1]') FROM t2 WHERE a % 50 = 0");
  ask("SELECT printf('%08.3f %x', b / 7.0, a), upper(c) FROM t1 WHERE a % 40 = 0 ORDER BY c DESC");
  ask("SELECT count(*), total(b) FROM (SELECT b FROM t1 UNION SELECT b FROM t2 EXCEPT SELECT b FROM t1 WHERE b < 5000)");
  ask("PRAGMA integrity_check");
  must(sqlite3_close(db) == SQLITE_OK, "close");
}

uint32_t work(uint32_t rounds) {
  while (rounds-- > 0) {
    sum = 2166136261u;
    round_of();
  }
  return sum;
}

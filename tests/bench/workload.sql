-- CPU-bound SQL for the stock sqlite3: inserts, an index, a join, groups and a window.
CREATE TABLE t(a INTEGER, b INTEGER);
INSERT INTO t WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 600000)
	SELECT x, x * 7919 % 1000003 FROM c;
CREATE INDEX by_b ON t(b);
SELECT count(*), sum(u.a) FROM t JOIN t u ON t.b = u.b;
SELECT max(b) FROM t GROUP BY a % 1000 ORDER BY 1 DESC LIMIT 1;
SELECT sum(w) FROM (SELECT avg(b) OVER (ORDER BY a ROWS 50 PRECEDING) AS w FROM t);
DELETE FROM t WHERE a % 3 = 0;
SELECT count(*) FROM t;

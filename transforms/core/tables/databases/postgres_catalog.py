"""What PostgreSQL's catalogue is asked about a table, and what its types are for us. Text only, nothing is sent here.

All queries take $1 = schema and $2 = table.
"""

from __future__ import annotations

import re

from transforms.core.tables.columns.column import TEXT, ColumnType

_CLASS = "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = $1 AND c.relname = $2"

RELATION_KIND = f"SELECT c.relkind::text FROM {_CLASS}"

COLUMNS = (
    "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,"
    " a.atthasdef OR a.attidentity <> '', a.attgenerated <> '' OR a.attidentity = 'a'"
    f" FROM {_CLASS} JOIN pg_attribute a ON a.attrelid = c.oid"
    " WHERE a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
)

CHECKS = (
    "SELECT 'CHECK (' || pg_get_expr(k.conbin, k.conrelid) || ')',"
    " ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (k.conkey))"
    f" FROM {_CLASS} JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'c'"
)

# A row only if nothing hangs on the table that would go with it: indexes, constraints, defaults, triggers, rules,
# views, policies, publications and statistics stand in pg_depend; grants, comments, storage settings stand beside it.
REPLACEABLE = (
    f"SELECT 1 FROM {_CLASS}"
    " WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND c.relacl IS NULL AND c.reloptions IS NULL"
    " AND c.reltablespace = 0 AND c.relreplident = 'd' AND NOT c.relrowsecurity AND NOT c.relispartition"
    " AND c.relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)"
    " AND NOT EXISTS (SELECT FROM pg_depend d LEFT JOIN pg_constraint k"
    "   ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid"
    "   WHERE d.refobjid IN (c.oid, c.reltype) AND d.deptype <> 'i' AND k.contype IS DISTINCT FROM 'n')"
    " AND NOT EXISTS (SELECT FROM pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent))"
    " AND NOT EXISTS (SELECT FROM pg_description t WHERE t.objoid = c.oid AND t.classoid = 'pg_class'::regclass)"
    " AND NOT EXISTS (SELECT FROM pg_seclabel l WHERE l.objoid = c.oid AND l.classoid = 'pg_class'::regclass)"
    " AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attisdropped"
    "   AND (a.attacl IS NOT NULL OR a.attidentity <> '' OR a.attgenerated <> ''))"
)

# What the user may not do, in words.
FORBIDDEN = """
SELECT word FROM (
  SELECT 'schema ' || quote_ident($1) || ' does not exist: create it, or name another one' AS word
    WHERE NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)
  UNION ALL
  SELECT 'no permission to create tables in schema ' || quote_ident($1) || ': GRANT CREATE, USAGE ON SCHEMA to the user'
    FROM pg_namespace WHERE nspname = $1
      AND NOT (has_schema_privilege(oid, 'CREATE') AND has_schema_privilege(oid, 'USAGE'))
  UNION ALL
  SELECT 'no permission to ' || p || ' table ' || quote_ident($2) || ': GRANT ' || p || ' ON it to the user'
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = $1 AND c.relname = $2,
    unnest(ARRAY['SELECT', 'INSERT']) p WHERE NOT has_table_privilege(c.oid, p)
  UNION ALL
  SELECT 'the server is read-only: name the primary server, not a replica'
    WHERE current_setting('transaction_read_only') = 'on'
) findings
"""

_KINDS = {
    "boolean": ColumnType("boolean"),
    **dict.fromkeys(("smallint", "integer", "bigint"), ColumnType("integer")),
    **dict.fromkeys(("real", "double precision"), ColumnType("double")),
    "date": ColumnType("date"),
    "timestamp without time zone": ColumnType("timestamp"),
    "timestamp with time zone": ColumnType("timestamptz"),
}
_MAX_PRECISION = 38


def column_type(sql_type: str) -> ColumnType:
    """What a PostgreSQL type is for us; text when we don't know it."""
    numeric = re.fullmatch(r"numeric\((\d+),(\d+)\)", sql_type)
    if numeric:
        precision, scale = int(numeric[1]), int(numeric[2])
        return ColumnType("decimal", precision, scale) if scale <= precision <= _MAX_PRECISION else TEXT
    return _KINDS.get(re.sub(r"\(\d\)", "", sql_type), TEXT)

"""The report's looks: light and dark as the reader's system has it, and plain on paper."""

STYLE = """
:root { --page:#f6f7f9; --card:#fff; --ink:#1c2430; --soft:#5f6b7a; --line:#dde2e8; --blue:#2563c9; --green:#1a7f4b;
  --red:#c2352b; --amber:#a66300; --code:#eef1f5; color-scheme: light dark; }
@media (prefers-color-scheme: dark) { :root { --page:#12161c; --card:#1b212a; --ink:#e4e9f0; --soft:#96a2b2;
  --line:#313a46; --blue:#6aa5ff; --green:#4fc487; --red:#ff7d72; --amber:#e8ac4d; --code:#242c37; } }
* { box-sizing: border-box; }
body { margin:0; background:var(--page); color:var(--ink); font:15px/1.5 system-ui,"Segoe UI",Roboto,sans-serif; }
main { max-width:1040px; margin:0 auto; padding:28px 20px 60px; }
h1 { font-size:24px; margin:0; display:inline; } h2 { font-size:17px; margin:0 0 12px; }
p { margin:6px 0; } .soft { color:var(--soft); } .mono, code { font-family:ui-monospace,Menlo,Consolas,monospace; }
section, .tiles > div { background:var(--card); border:1px solid var(--line); border-radius:10px; }
section { padding:18px 20px; margin-top:16px; } header { margin-bottom:18px; }
.badge { font-weight:600; border-radius:99px; padding:3px 12px; margin-left:10px; color:#fff; vertical-align:4px;
  font-size:13px; } .completed { background:#1a7f4b; } .planned { background:#2563c9; } .failed { background:#c2352b; }
.interrupted { background:#a66300; } .error { border-left:4px solid var(--red); overflow-wrap:anywhere; }
.tiles { display:grid; grid-template-columns:repeat(auto-fit,minmax(120px,1fr)); gap:12px; }
.tiles > div { padding:12px 14px; } .tiles b { display:block; font-size:20px; font-variant-numeric:tabular-nums; }
.scroll { overflow-x:auto; } table { border-collapse:collapse; width:100%; font-size:14px; }
th { text-align:left; color:var(--soft); font-weight:500; } th, td { padding:6px 12px 6px 0; vertical-align:top;
  border-bottom:1px solid var(--line); overflow-wrap:anywhere; } tr:last-child td { border-bottom:0; }
td.n, th.n { text-align:right; font-variant-numeric:tabular-nums; white-space:nowrap; }
pre { background:var(--code); padding:10px 12px; border-radius:6px; white-space:pre-wrap; overflow-wrap:anywhere;
  font-size:13px; margin:6px 0 12px; }
.charts { display:grid; grid-template-columns:repeat(auto-fit,minmax(420px,1fr)); gap:16px; }
.charts section { min-width:0; } svg { width:100%; height:auto; display:block; } svg text { fill:var(--soft);
  font-size:11px; }
h3 { font-size:14px; margin:16px 0 4px; }
.scroll + .scroll, svg + .scroll { margin-top:14px; }
.grid { stroke:var(--line); } .curve { fill:none; stroke:var(--blue); stroke-width:2; }
.area { fill:var(--blue); opacity:.14; } .limit { stroke:var(--red); stroke-dasharray:5 4; }
.mark { stroke:var(--soft); stroke-dasharray:2 3; } .bar { fill:var(--blue); } svg .over { fill:var(--ink); }
@media (max-width:520px) { .charts { grid-template-columns:1fr; } }
@media print { :root { --page:#fff; --card:#fff; --ink:#000; --soft:#444; --line:#bbb; --code:#f3f3f3; }
  main { max-width:none; padding:0; } section { break-inside:avoid; } .badge { border:1px solid #000; color:#000;
  background:none; } .scroll { overflow:visible; } }
"""

--- Style sheet of the HTML report: light and dark, screen and paper, no script needed.
return [[
:root{--ink:#1f2328;--dim:#656d76;--paper:#fff;--ground:#f6f8fa;--line:#d0d7de;--accent:#0b63b5;
--good:#1a7f37;--warn:#9a6700;--bad:#c01c28;--good-bg:#e9f6ec;--warn-bg:#fff6dd;--bad-bg:#fdeceb}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8eb;--dim:#9aa4ae;--paper:#1b1b1d;
--ground:#111214;--line:#383c42;
--accent:#6cb6ff;--good:#57c46d;--warn:#e0b341;--bad:#ff7b72;--good-bg:#12261a;
--warn-bg:#2b2411;--bad-bg:#2e1718}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);line-height:1.5;
font:15px/1.5 system-ui,"Segoe UI",Helvetica,Arial,sans-serif}
main{max-width:920px;margin:0 auto;padding:24px 16px 64px}
h1{font-size:22px;margin:0 0 2px}h2{font-size:18px;margin:32px 0 10px}h3{font-size:15px;margin:0}
h4{font-size:13px;margin:14px 0 4px;color:var(--dim);font-weight:600}
p{margin:6px 0}.dim{color:var(--dim)}
code,.num{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;
font-size:.92em}
.card{background:var(--paper);border:1px solid var(--line);border-radius:8px;padding:14px 18px;
margin:12px 0;overflow-wrap:anywhere}
.verdict{border-left:6px solid var(--line);font-size:18px;font-weight:600}
.verdict .dim{font-size:14px;font-weight:400}
.good{border-left-color:var(--good)}.warn{border-left-color:var(--warn)}
.bad{border-left-color:var(--bad)}
.verdict.good{background:var(--good-bg)}.verdict.warn{background:var(--warn-bg)}
.verdict.bad{background:var(--bad-bg)}
.finding{border-left:4px solid var(--line)}.finding.warn{border-left-color:var(--warn)}
.finding.bad{border-left-color:var(--bad)}
.finding header{display:flex;gap:10px;align-items:baseline;flex-wrap:wrap}
.finding header h3{flex:1 1 300px}
.tag{font-size:12px;font-weight:600;padding:1px 8px;border-radius:10px;
border:1px solid currentColor;white-space:nowrap}
.tag.good{color:var(--good)}.tag.warn{color:var(--warn)}.tag.bad{color:var(--bad)}
.tag.info{color:var(--accent)}
table{border-collapse:collapse;margin:6px 0;font-size:14px;max-width:100%}
th,td{text-align:left;padding:3px 14px 3px 0;border-bottom:1px solid var(--line);vertical-align:top}
th{white-space:nowrap;color:var(--dim);font-weight:600;font-size:13px}
td.num,th.num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
th.num{font-family:inherit}
.scroll{overflow-x:auto}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:10px;margin:12px 0}
.tile{background:var(--paper);border:1px solid var(--line);border-radius:8px;padding:8px 12px}
.tile b{display:block;font-size:18px;font-variant-numeric:tabular-nums}
.tile span{color:var(--dim);font-size:12px}
.fix{margin:10px 0 0;padding:8px 0 0;border-top:1px dashed var(--line)}
.fix code.patch{display:block;background:var(--ground);border-radius:6px;padding:6px 10px;
margin:4px 0;white-space:pre-wrap}
.row{display:flex;flex-wrap:wrap;gap:8px}
svg.ldb{max-width:100%;height:auto;display:block}
figure{margin:8px 0}figcaption{color:var(--dim);font-size:13px}
.toggle .log{display:none}.toggle input:checked~.log{display:block}
.toggle input:checked~.linear{display:none}.toggle input{margin-right:6px}
.toggle label{font-size:13px;color:var(--dim)}
details{margin:6px 0}summary{cursor:pointer;color:var(--accent);font-size:14px}
ul.plain{list-style:none;padding:0;margin:6px 0;columns:3 200px}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:12px}
footer{margin-top:32px;color:var(--dim);font-size:13px}
@media print{body{background:#fff}main{max-width:none;padding:0}.card,.tile{break-inside:avoid}
.toggle input,.toggle label,.noprint{display:none}h2{break-after:avoid}}
]]

"""Writes the measured page of scripts/gpu_check: gpu_page.py WORK OUT. Exit 1 when a result differs."""

import datetime
import json
import pathlib
import re
import sys


def main() -> int:
    work, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    bench = json.loads((work / "bench.json").read_text())
    lt = {(t["m"], t["n"], t["k"]): t["seconds"] for t in json.loads((work / "cublaslt.json").read_text())}
    results = []
    for line in (work / "results.txt").read_text().splitlines():
        name, code, said = line.split("\t")
        results.append({"name": name, "exit": int(code), "said": said})
    for c in bench["convolutions"]:
        if c["bits"] == 8:
            c["cublaslt_gemm_seconds"] = lt.get((c["m"], c["n"], c["k"]))
    date = datetime.date.today().isoformat()
    raw = {"date": date, "device": bench["device"], "command": "scripts/gpu_check", "launches": bench["launches"],
           "results": results, "convolutions": bench["convolutions"]}
    name = re.sub(r"[^a-z0-9]+", "-", bench["device"].split("(")[0].lower()).strip("-")
    stem = out / f"{name}-{date}"
    stem.with_suffix(".json").write_text(json.dumps(raw, indent=1) + "\n")

    bad = [r for r in results if r["exit"] != 0]
    page = [f"# {bench['device']}, {date}", "",
            f"`scripts/gpu_check`; raw figures in [{stem.name}.json]({stem.name}.json).", "",
            "## Equal to the reference", "", "| what | result |", "|---|---|"]
    page += [f"| {r['name']} | {'equal' if r['exit'] == 0 else 'DIFFERS'}: {r['said']} |" for r in results]
    page += ["", "## Times", "",
             f"Median of {bench['launches']} launches by the device's own events; ours with requantization and packing,",
             "cuBLASLt the int32 matrix product of the same M, N, K alone. Four-bit times mean something on sm_75 to sm_89 only.", "",
             "| batch | bits | kernel | M | N | K | us | TOPS | cuBLASLt us | ratio |", "|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|"]
    for c in bench["convolutions"]:
        other = c.get("cublaslt_gemm_seconds")
        page.append("| {batch} | {bits} | {kernel} | {m} | {n} | {k} | {us:.1f} | {tops:.2f} | {lt} | {ratio} |".format(
            **{k: c[k] for k in ("batch", "bits", "kernel", "m", "n", "k", "tops")}, us=c["seconds"] * 1e6,
            lt=f"{other * 1e6:.1f}" if other else "-", ratio=f"{c['seconds'] / other:.2f}" if other else "-"))
    stem.with_suffix(".md").write_text("\n".join(page) + "\n")
    print(f"{stem}.md: {len(results) - len(bad)} of {len(results)} results equal")
    for r in bad:
        print(f"  DIFFERS: {r['name']}: {r['said']}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

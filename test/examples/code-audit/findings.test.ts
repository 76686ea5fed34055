/** The findings of the audit in a package, rule by rule, and how they are ranked and shown. */
import { stripVTControlCharacters } from "node:util"
import { describe, expect, it } from "vitest"
import type { Finding } from "../../../docs/examples/code-audit/facts.ts"
import { reportHtml } from "../../../docs/examples/code-audit/reportHtml.ts"
import { reportTerminal } from "../../../docs/examples/code-audit/reportTerminal.ts"
import { fit, widthOf, wrap } from "../../../docs/examples/code-audit/textLayout.ts"
import type { Audit } from "../../../docs/examples/code-audit/summary.ts"
import { auditTexts, findingsOf } from "./support.ts"

const job = { status: "converged", cycles: 3, facts: 1_234, hash: "0123456789abcdef0123", durationMs: 1_234 }

describe("findings", () => {
  it("name packages that are imported and not declared, once each", async () => {
    const manifest = {
      name: "sample",
      dependencies: { a: "1" },
      peerDependencies: { b: "1" },
      devDependencies: { c: "1" }
    }
    const { output } = await auditTexts(
      {
        "package.json": JSON.stringify(manifest),
        "i.ts": `import "a"; import "b/sub"; import "c"; import "./j.js"; import type { T } from "types-only"; import "node:fs"`,
        "j.ts": `import "@d/e/f"; try { require("g") } catch {}; import("@d/e").catch(() => {}); import "sample"`
      },
      "i.ts"
    )
    expect(output.findings.filter(({ rule }) => rule === "undeclared-dependency")).toMatchObject([
      { subject: "@d/e", severity: "warning", path: "j.ts", message: expect.stringContaining("(2 imports)") },
      {
        subject: "c",
        severity: "warning",
        path: "i.ts",
        message: expect.stringContaining("only a development dependency")
      },
      { subject: "g", severity: "note" }
    ])
    expect(output).toMatchObject({ packages: ["@d/e", "a", "b", "c", "g", "sample"], builtins: ["fs"], external: 7 })
  })

  it("take no scheme for a package, and follow those of files", async () => {
    const schemes = [
      "bun:sqlite",
      "cloudflare:workers",
      "virtual:pwa-register",
      "npm:chalk@5",
      "jsr:@std/path",
      "node:fs"
    ]
    const more = ["https://a.b/c.js", "data:text/javascript,1", "astro:content", "DATA:text/javascript,2"]
    const imports = [...schemes, ...more, "file:./b.js", "file:b.js?x"].map((name) => `import ${JSON.stringify(name)}`)
    const { output } = await auditTexts({ "a.js": imports.join("\n"), "b.js": "x" }, "a.js")
    expect(output).toMatchObject({ modules: 2, edges: 1, packages: [], builtins: ["fs"], findings: [] })
    expect(output.external).toBe(10)
  })

  it("say of names that package.json could map, and does not, that a bundler has to", async () => {
    const texts = { "a.js": `import "#imports"; import "file:///%E0%A4%A"; import "file://host/a.js"` }
    const { output } = await auditTexts(texts, "a.js")
    expect(output.findings.map(({ rule, severity, subject }) => `${severity} ${rule} ${subject}`)).toEqual([
      "error missing-import file:///%E0%A4%A",
      "error missing-import file://host/a.js",
      "note unmapped-import #imports"
    ])
    const mapped = await auditTexts(
      { ...texts, "package.json": `{ "name": "sample", "imports": { "#x": "./x.js" } }` },
      "a.js"
    )
    expect(mapped.output.findings.map(({ rule }) => rule)).toEqual([
      "missing-import",
      "missing-import",
      "missing-import"
    ])
  })

  it("warn of names that no package can have, unless a configuration maps them", async () => {
    const names = ["$lib/a", "~/b", "@/c", "\0d", "raw-loader!./e.txt"]
    const texts = { "a.js": names.map((name) => `import ${JSON.stringify(name)}`).join("\n"), "src/a.js": "x" }
    const { output } = await auditTexts(texts, "a.js")
    expect(output.findings.map(({ rule, severity, line }) => `${severity} ${rule} ${line}`)).toEqual(
      names.map((_, index) => `warning unmapped-import ${index + 1}`)
    )
    expect(output).toMatchObject({ packages: [], modules: 1 })
    const paths = { "$lib/*": ["./src/*"], "~/*": ["./src/*"], "*": ["./any/*"] }
    const mapped = await auditTexts(
      { ...texts, "jsconfig.json": JSON.stringify({ compilerOptions: { paths } }) },
      "a.js"
    )
    expect(mapped.output.modules).toBe(2)
    expect(mapped.output.findings.map(({ rule, subject }) => `${rule} ${subject}`).slice(0, 2)).toEqual([
      "missing-import ~/b",
      "unmapped-import @/c"
    ])
  })

  it("leave other packages out, and enter them when deep", async () => {
    const texts = {
      "a.js": `import "dep"; import "./vendored/b.js"`,
      "vendored/package.json": `{"name":"vendored"}`,
      "vendored/b.js": "export const b = 1",
      "node_modules/dep/package.json": `{"name":"dep","main":"m.js"}`,
      "node_modules/dep/m.js": "import './n.js'",
      "node_modules/dep/n.js": "export const unused = 1"
    }
    const shallow = await auditTexts(texts, "a.js")
    expect(shallow.output).toMatchObject({ modules: 1, edges: 0, external: 2, packages: ["dep"] })
    const deep = await auditTexts(texts, "a.js", { deep: true })
    expect(deep.output).toMatchObject({ modules: 4, edges: 3, external: 0, unusedExports: 0 })
    expect(findingsOf(deep)).toEqual(["undeclared-dependency a.js:1"])
  })

  it("say which imports the crawl cannot follow", async () => {
    const { output } = await auditTexts({ "a.js": "import(globalThis.name); require(globalThis.name)" }, "a.js")
    expect(output.findings).toMatchObject([{ rule: "computed-import", message: expect.stringContaining("2 imports") }])
  })

  it("put what is broken before what is untidy", async () => {
    const branches = "if (a) b\n".repeat(40)
    const { output } = await auditTexts(
      {
        "a.js": `import { f } from "./b.js"; import "./gone.js"; f()`,
        "b.js": `import "./a.js"; export function f(a, b) {\n${branches}}; export const spare = 1; import "x"`
      },
      "a.js"
    )
    expect(output.findings.map(({ rank, severity, rule }) => `${rank} ${severity} ${rule}`)).toEqual([
      "1 error missing-import",
      "2 warning undeclared-dependency",
      "3 warning import-cycle",
      "4 warning complex-function",
      "5 note unused-export"
    ])
  })
})

const finding = (rank: number, more: Partial<Finding>): Finding => ({
  rank,
  score: 50,
  severity: "note",
  rule: "rule",
  subject: "s",
  path: "a.ts",
  line: 1,
  column: 0,
  message: "message",
  ...more
})

const sample = async (): Promise<Audit> => {
  const { output } = await auditTexts(
    { "a.js": "import './b.js'", "b.js": "export const b = 1; import './a.js'" },
    "a.js"
  )
  return output
}

describe("the terminal report", () => {
  const visible = (text: string): string => stripVTControlCharacters(text)

  it.each([60, 80, 120, 160])("fits a terminal of %i columns, coloured or not", async (columns) => {
    const long = "very/".repeat(40)
    const audit = {
      ...(await sample()),
      findings: [finding(1, { path: `${long}a.ts` }), finding(2, { message: long.repeat(3) })]
    }
    const plain = reportTerminal(audit, job, { columns, colors: false, findings: 10 })
    expect(plain).not.toContain("\u001b")
    expect(Math.max(...plain.split("\n").map(({ length }) => length))).toBeLessThanOrEqual(columns)
    const colored = reportTerminal(audit, job, { columns, colors: true, findings: 10 })
    expect(colored).toContain("\u001b[")
    expect(visible(colored)).toBe(plain)
  })

  it("shows a message of 200 characters whole in 80 columns, and where it is found", async () => {
    const message = `imports ${"a long-winded name ".repeat(10)}, the end`
    const audit = { ...(await sample()), findings: [finding(1, { path: "src/folder/module.ts", line: 12, message })] }
    const text = reportTerminal(audit, job, { columns: 80, colors: false, findings: 10 })
    expect(text).toContain("src/folder/module.ts:12\n")
    expect(text.replace(/\s+/g, " ")).toContain(message)
  })

  it("shows control characters of the audited files as escapes", async () => {
    const evil = "\u001b]0;title\u0007\u009b2J\u202e\n\r"
    const audit: Audit = {
      ...(await sample()),
      package: evil,
      entry: evil,
      version: evil,
      hubs: [{ path: evil, fanIn: 1, fanOut: 0, depth: 1 }],
      complex: [{ path: evil, name: evil, line: 1, column: 0, lines: 1, complexity: 20 }],
      findings: [finding(1, { path: evil, message: evil })]
    }
    const text = reportTerminal(audit, job, { columns: 160, colors: false, findings: 10 })
    expect(text.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u202e]/u)
    expect(text).toContain("\\u001b]0;title\\u0007\\u009b2J\\u202e\\n\\r")
    const page = await reportHtml(audit, new Map([[evil, []]]), job)
    expect(page.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u202e]/u)
  })

  it("shows a cycle whole, with the lines of its imports", async () => {
    const names = Array.from({ length: 12 }, (_, index) => `a-rather-long-name-of-a-module-${index}`)
    const texts = Object.fromEntries(
      names.map((name, index) => [`${name}.js`, `\n\nimport "./${names[(index + 1) % names.length]}.js"`])
    )
    const { output } = await auditTexts(texts, `${names[0]}.js`)
    const way = [...names, names[0]].map((name, index) => `${name}.js${index < 12 ? ":3" : ""}`).join(" -> ")
    expect(output.findings).toMatchObject([{ rule: "import-cycle", line: 3, message: expect.stringContaining(way) }])
    for (const columns of [80, 160]) {
      const text = reportTerminal(output, job, { columns, colors: false, findings: 10 })
      expect(text.replace(/\s+/g, " ")).toContain(way)
    }
  })

  it("does not claim to have looked for what a stopped job did not look for", async () => {
    const audit: Audit = { ...(await sample()), hubs: [], findings: [] }
    const text = reportTerminal(audit, { ...job, status: "cancelled" }, { columns: 80, colors: false, findings: 10 })
    expect(text).toContain("stopped before the analysis")
    expect(text).toContain("No findings so far")
    expect(text).not.toContain("import cycle")
  })

  it("says how many findings it leaves out", async () => {
    const audit = { ...(await sample()), findings: [1, 2, 3].map((rank) => finding(rank, {})) }
    expect(reportTerminal(audit, job, { columns: 100, colors: false, findings: 2 })).toContain("and 1 more")
  })
})

describe("text in columns", () => {
  it.each([
    ["plain", 5],
    ["\u4f60\u597d", 4],
    ["\u{1f469}\u200d\u{1f680}", 2],
    ["e\u0301", 1]
  ])("%j takes %i of them", (text, width) => {
    expect(widthOf(text)).toBe(width)
  })

  it("is cut between characters, never in one", () => {
    expect(fit("\u4f60\u597d\u4e16\u754c", 5, "end")).toBe("\u4f60\u597d\u2026")
    expect(fit("\u4f60\u597d\u4e16\u754c", 5, "start")).toBe("\u2026\u4e16\u754c")
    expect(fit("a\u{1f469}\u200d\u{1f680}b", 2, "end")).toBe("a\u2026")
  })

  it("is wrapped between words, or in those that are too long", () => {
    expect(wrap("one two three", 7, 9)).toEqual(["one two", "three"])
    expect(wrap("a\u4f60\u597d\u4e16\u754c", 5, 9)).toEqual(["a\u4f60\u597d", "\u4e16\u754c"])
    expect(wrap("one two three four", 7, 2)).toEqual(["one two", "three \u2026"])
  })
})

describe("the page", () => {
  it("shows names as text, whatever they hold", async () => {
    const name = `<img src=x onerror="alert(1)">.js`
    const audit = {
      ...(await sample()),
      package: "</script><b>",
      findings: [finding(1, { path: name, message: "</td><script>" })]
    }
    const page = await reportHtml(audit, new Map([[name, []]]), job)
    expect(page).not.toContain("<img")
    expect(page).not.toContain("</td><script>")
    expect(page.match(/<\/script>/g)).toHaveLength(2)
  })

  it("draws every module, alone or by the hundred", async () => {
    const audit = await sample()
    for (const size of [0, 1, 2, 400]) {
      const paths = Array.from({ length: size }, (_, index) => `src/${index % 7}/m${index}.ts`)
      const graph = new Map(
        paths.map((path, index) => [path, paths.filter((_, other) => other > index && other % (index + 2) === 0)])
      )
      const page = await reportHtml(audit, graph, job)
      expect(page.match(/<g class="module[ "]/g) ?? []).toHaveLength(size)
    }
  })
})

/** A text that nests deep is read, or cut, at a limit of the audit's own: the host's stack decides nothing. */
import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import { describe, expect, it } from "vitest"
import { parseSource } from "../../../docs/examples/code-audit/parse.ts"
import { auditTexts, findingsOf, root, runAudit, withPackage } from "./support.ts"

/** Each of these nests as often as it is told, and is too deep above a number of times. */
const constructs: Readonly<Record<string, readonly [limit: number, make: (times: number) => string]>> = {
  arrays: [184, (times) => `export const x = ${"[".repeat(times)}${"]".repeat(times)}`],
  parentheses: [183, (times) => `export const x = ${"(".repeat(times)}1${")".repeat(times)}`],
  objects: [174, (times) => `export const x = ${"{ a: ".repeat(times)}1${"}".repeat(times)}`],
  calls: [184, (times) => `${"f(".repeat(times)}${")".repeat(times)}`],
  callbacks: [79, (times) => `${"f(() => {".repeat(times)}${"})".repeat(times)}`],
  functions: [129, (times) => `x = ${"function () { return ".repeat(times)}1${"}".repeat(times)}`],
  arrows: [249, (times) => `x = ${"a => ".repeat(times)}1`],
  classes: [91, (times) => `x = ${"class { m() { return ".repeat(times)}1${"}}".repeat(times)}`],
  methods: [75, (times) => `x = ${"{ m() { return ".repeat(times)}1${"}}".repeat(times)}`],
  templates: [183, (times) => `x = ${"`${".repeat(times)}1${"}`".repeat(times)}`],
  blocks: [500, (times) => `${"{".repeat(times)}${"}".repeat(times)}`],
  loops: [499, (times) => `${"for (;;) ".repeat(times)};`],
  branches: [998, (times) => `${"if (a); else ".repeat(times)};`],
  choices: [581, (times) => `x = ${"a ? b : ".repeat(times)}1`],
  sums: [2325, (times) => `x = ${"1 + ".repeat(times)}1`],
  denials: [1744, (times) => `x = ${"!".repeat(times)}1`],
  assignments: [873, (times) => `${"a = ".repeat(times)}1`],
  keys: [183, (times) => `x = ${"a[".repeat(times)}1${"]".repeat(times)}`]
}

const codesOf = (text: string, path: string): string =>
  parseSource(path, text, 1)
    .problems.map(({ code }) => code)
    .join()

describe("the limit", () => {
  it.each(Object.entries(constructs))("of %s is the same in every language", (_, [limit, make]) => {
    for (const path of ["a.js", "a.ts", "a.tsx"]) {
      expect([codesOf(make(limit), path), codesOf(make(limit + 1), path)]).toEqual(["", "too-deep"])
    }
  })

  it("is far from what ordinary chains come to", () => {
    expect(codesOf(`x = a${".b()".repeat(20_000)}`, "a.js")).toBe("")
    expect(codesOf(`x = [${"1,".repeat(20_000)}]`, "a.js")).toBe("")
    expect(codesOf("f();\n".repeat(20_000), "a.js")).toBe("")
  })

  it("holds for a text that does not parse, too", () => {
    expect(codesOf(`x = ${"[".repeat(30)}`, "a.js")).toBe("syntax")
    expect(codesOf(`x = ${"[".repeat(400)}`, "a.js")).toBe("too-deep")
    expect(codesOf(`x = ${"[".repeat(100_000)}`, "a.js")).toBe("too-deep")
    expect(codesOf(`x = ${"!".repeat(100_000)}(`, "a.js")).toBe("too-deep")
    expect(codesOf(`${"call()\n".repeat(20_000)}const = 1`, "a.js")).toBe("syntax")
  })
})

describe("a text that is too deep", () => {
  it.each(["js", "ts", "tsx"])("keeps what is not deep in it, its imports first of all: %s", (extension) => {
    for (const [name, [, make]] of Object.entries(constructs)) {
      const text = `import { a } from "./dep"; export const b = require("./old")\nfunction far(a) { ${make(6_000).replace("export ", "")} }`
      const { imports, problems } = parseSource(`a.${extension}`, text, 1)
      expect({ name, problems: problems.map(({ code, path }) => `${code} ${path}`) }).toEqual({
        name,
        problems: [`too-deep a.${extension}`]
      })
      expect(imports.map(({ specifier }) => specifier)).toEqual(["./dep", "./old"])
    }
  })

  it("keeps its lines", () => {
    const text = `x = ${"[\n".repeat(300)}${"]\n".repeat(300)}\nexport function f(a) {\n if (a) b()\n if (b) c()\n}`
    const { functions } = parseSource("a.js", text, text.length)
    expect(functions).toMatchObject([{ name: "f", line: 602 }])
  })

  it("is a finding", async () => {
    const result = await auditTexts(
      { "a.js": `import "./b.js"; x = ${"[".repeat(800)}${"]".repeat(800)}`, "b.js": "x" },
      "a.js"
    )
    expect(findingsOf(result)).toEqual(["too-deep a.js"])
    expect(result.output.modules).toBe(2)
  })
})

describe("the host's stack decides nothing", () => {
  /** At the limit, just above it and far above it. */
  const texts = Object.fromEntries(
    Object.entries(constructs).flatMap(([name, [limit, make]]) =>
      [limit, limit + 1, limit * 8].map((times, index) => [`${name}${index}.ts`, make(times)])
    )
  )

  it(
    "of a process whose stack is small or large, and whose code is not compiled yet",
    { timeout: 120_000 },
    async () => {
      const module = join(root, "docs/examples/code-audit/parse.ts")
      const script = `
      import { parseSource } from ${JSON.stringify(module)}
      let text = ""
      for await (const chunk of process.stdin) text += chunk
      const parsed = Object.entries(JSON.parse(text)).map(([path, text]) => parseSource(path, text, 1))
      console.log(JSON.stringify(parsed))`
      const parseWith = async (stack: number): Promise<ReadonlyArray<ReturnType<typeof parseSource>>> => {
        const flags = [`--stack-size=${stack}`, "--input-type=module", "--eval", script]
        const running = promisify(execFile)(process.execPath, flags, { maxBuffer: 1e8 })
        running.child.stdin?.end(JSON.stringify(texts))
        return JSON.parse((await running).stdout)
      }
      const small = await parseWith(850)
      const deep = small.flatMap(({ problems }) => problems.map(({ code, path }) => `${code} ${path}`))
      expect(deep).toEqual(
        Object.keys(constructs).flatMap((name) => [1, 2].map((index) => `too-deep ${name}${index}.ts`))
      )
      expect(await parseWith(3_900)).toEqual(small)
    }
  )

  it("of the audit's threads", { timeout: 120_000 }, async () => {
    const some = Object.fromEntries(Object.entries(texts).filter(([path]) => /^(arrays|callbacks|sums)/.test(path)))
    const entry = Object.keys(some)
      .map((path) => `import "./${path}"`)
      .join("\n")
    await withPackage({ "i.ts": entry, ...some }, async (directory) => {
      const alone = await runAudit(join(directory, "i.ts"))
      const threads = await runAudit(join(directory, "i.ts"), { pool: { size: 2 } })
      expect(threads.hash).toBe(alone.hash)
      expect(alone.output.modules).toBe(10)
    })
  })
})

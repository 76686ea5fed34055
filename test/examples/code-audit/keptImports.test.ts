/** Imports that TypeScript keeps for other reasons than a use of their names. */
import { describe, expect, it } from "vitest"
import { compilerDialect } from "../../../docs/examples/code-audit/dialect.ts"
import { parseSource } from "../../../docs/examples/code-audit/parse.ts"
import { auditTexts } from "./support.ts"

type Options = Readonly<Record<string, boolean | string>>

/** The specifiers that stay. */
const kept = (text: string, options: Options = {}, path = "a.tsx"): string =>
  parseSource(path, text, text.length, { type: "none", ...compilerDialect(options) })
    .imports.filter(({ elision }) => elision === "none")
    .map(({ specifier }) => specifier)
    .join()

describe("JSX uses", () => {
  const h = `import { h, Fragment } from "h"\nimport * as Preact from "p"\nimport React from "r"\n`
  const element = `${h}export const view = <div/>`
  const fragment = `${h}export const view = <></>`

  it.each<readonly [Options, string, string]>([
    [{}, "r", "r"],
    [{ jsx: "react" }, "r", "r"],
    [{ jsx: "preserve" }, "r", "r"],
    [{ jsx: "react", jsxFactory: "h" }, "h", "h"],
    [{ jsx: "react", jsxFactory: "Preact.h", jsxFragmentFactory: "Fragment" }, "p", "h,p"],
    [{ jsx: "react", reactNamespace: "Preact" }, "p", "p"],
    [{ jsx: "react-jsx" }, "", ""],
    [{ jsx: "react-jsxdev", jsxFactory: "h" }, "", ""],
    [{ jsx: "react-jsx", jsxImportSource: "preact" }, "", ""]
  ])("what %j names", (options, ofElement, ofFragment) => {
    expect(kept(element, options)).toBe(ofElement)
    expect(kept(fragment, options)).toBe(ofFragment)
    expect(kept(`${h}export const view = 1`, options)).toBe("")
  })

  it("what comments at the top of the file name", () => {
    expect(kept(`/** @jsx h */\n${element}`)).toBe("h")
    expect(kept(`/* @jsx Preact.h */\n${element}`, { jsx: "react" })).toBe("p")
    expect(kept(`/** @jsx h @jsxFrag Preact.Fragment */\n${fragment}`)).toBe("h,p")
    expect(kept(`/** @jsxImportSource preact */\n${element}`)).toBe("")
    expect(kept(`/** @jsxRuntime automatic */\n${element}`, { jsx: "react" })).toBe("")
    expect(kept(`/** @jsxRuntime classic */\n${element}`, { jsx: "react-jsx" })).toBe("r")
    expect(kept(`/** @jsx h */\n${element}`, { jsx: "react-jsx" })).toBe("h")
    expect(kept(`${element}\n/** @jsx h */`)).toBe("r")
  })

  it("components, and no names of HTML", () => {
    const of = (tag: string): string =>
      kept(`import { div, Div, my } from "x"\nexport const view = <${tag}></${tag}>`, { jsx: "react-jsx" })
    expect([of("div"), of("Div"), of("my.div"), of("my-div"), of("svg:Div"), of("my.div.Div")]).toEqual([
      "",
      "x",
      "x",
      "",
      "",
      "x"
    ])
    expect(kept(`import { Div } from "x"\nexport const view = <a Div="1" b={{ Div: 1 }}/>`, { jsx: "react-jsx" })).toBe(
      ""
    )
  })
})

describe("an alias, import A = N.B, uses what it stands for", () => {
  it.each([
    ["import A = N.B; A()", "n"],
    ["import A = N.B; let a: A", ""],
    ["import A = N.B", ""],
    ["export import A = N.B", "n"],
    ["import A = N; import B = A.b; B()", "n"],
    ["import A = N; import B = A.b; let c: B", ""],
    ["namespace M { export import A = N.B }", "n"],
    ["namespace M { import A = N.B; export const c = A.d }", "n"],
    ["namespace M { import A = N.B; export let c: A.D }", ""],
    ["namespace M { import A = N.B; import C = A.D; function f() { return C } }", "n"],
    ["namespace M { import A = N.B } namespace O { export const c = A.d }", ""],
    ["import A = N.B; namespace M { export const c = A.d }", "n"],
    ["import type A = N.B; let a: A", ""],
    ["import A = N.B.C; new A()", "n"],
    ["import A = N.B; function f(A) { A() }", ""]
  ])("if it is used itself: %s", (text, specifiers) => {
    expect(kept(`import * as N from "n"\n${text}`, {}, "a.ts")).toBe(specifiers)
  })
})

describe("what is only declared uses nothing", () => {
  it.each([
    ["export declare namespace M { export { A } }", ""],
    ["declare namespace M { export { A as B, type C } }", ""],
    ["declare module 'x' { export { A } }", ""],
    ["namespace M { export const b = A }", "a"],
    ["export { A }", "a"]
  ])("%s", (text, specifiers) => {
    expect(kept(`import { A, C } from "a"\n${text}`, {}, "a.ts")).toBe(specifiers)
  })
})

describe("metadata of decorators uses types", () => {
  const options = { experimentalDecorators: true, emitDecoratorMetadata: true }
  const of = (text: string, more: Options = {}): string =>
    kept(
      `import { A } from "a"\nimport * as N from "n"\nimport { d } from "d"\n${text}`,
      { ...options, ...more },
      "a.ts"
    )

  it.each([
    ["@d class C { constructor(private a: A) {} }", "a,d"],
    ["@d class C { constructor(a: N.B, ...rest: A[]) {} }", "a,n,d"],
    ["@d class C { constructor(a = 1, b?: A) {} }", "a,d"],
    ["@d export class C { constructor(a: A) {} }", "a,d"],
    ["class C { constructor(@d a: A, b: N.B) {} }", "a,n,d"],
    ["class C { @d a: A }", "a,d"],
    ["class C { @d m(a: A): N.B { return 1 } }", "a,n,d"],
    ["class C { m(@d a: number, b: A): N.B { return 1 } }", "a,n,d"],
    ["class C { @d get x(): A { return 1 } }", "a,d"],
    ["class C { @d set x(a: A) {} }", "a,d"],
    ["class C { @d get x() { return 1 } set x(a: A) {} }", "a,d"],
    ["class C { @d a: A | null }", "a,d"],
    ["class C { @d a: (A) | undefined }", "a,d"],
    ["class C { @d a: A<N.B> }", "a,d"],
    ["class C { @d declare a: A }", "a,d"]
  ])("of what is decorated: %s", (text, specifiers) => {
    expect(of(text)).toBe(specifiers)
  })

  it.each([
    ["@d class C { m(a: A) {} }", "d"],
    ["@d class C { a: A }", "d"],
    ["class C { constructor(a: A) {} }; d", "d"],
    ["class C { @d a: A | N.B }", "d"],
    ["class C { @d a: A[] }", "d"],
    ["class C { @d a: Promise<A> }", "d"],
    ["class C { @d a: typeof A }", "d"],
    ["class C { @d a: number; b: A }", "d"],
    ["function f<A>() { class C { @d a: number } }", "d"]
  ])("and no others: %s", (text, specifiers) => {
    expect(of(text)).toBe(specifiers)
  })

  it("where the project asks for it, with null a type of its own or not", () => {
    expect(of("class C { @d a: A }", { emitDecoratorMetadata: false })).toBe("d")
    expect(of("class C { @d a: A | null }", { strict: true })).toBe("d")
    expect(of("class C { @d a: A | null }", { strict: true, strictNullChecks: false })).toBe("a,d")
  })

  it("so that classes injected into each other are a cycle", async () => {
    const injected = (own: string, other: string): string =>
      `import { ${other} } from "./${other}"; import { d } from "./d"\n@d export class ${own} { constructor(private x: ${other}) {} }`
    const result = await auditTexts(
      {
        "tsconfig.json": JSON.stringify({ compilerOptions: options }),
        "A.ts": injected("A", "B"),
        "B.ts": injected("B", "A"),
        "d.ts": "export const d = (x: any) => x"
      },
      "A.ts"
    )
    expect(result.output).toMatchObject({ modules: 3, cycles: [{ modules: ["A.ts", "B.ts"], eager: true }] })
  })
})

describe("options keep imports", () => {
  const text = `
    import { used } from "used"; used()
    import { unused } from "unused"
    import { type only } from "only"
    import {} from "nothing"
    import "bare"
    import type { T } from "type"
    export type { U } from "u"`

  it.each<readonly [Options, string]>([
    [{}, "used,bare"],
    [{ verbatimModuleSyntax: true }, "used,unused,only,nothing,bare"],
    [{ importsNotUsedAsValues: "preserve" }, "used,unused,only,nothing,bare"],
    [{ importsNotUsedAsValues: "error" }, "used,unused,only,nothing,bare"],
    [{ importsNotUsedAsValues: "remove" }, "used,bare"],
    [{ preserveValueImports: true }, "used,unused,bare"],
    [{ preserveValueImports: false, isolatedModules: true }, "used,bare"]
  ])("%j", (options, specifiers) => {
    expect(kept(text, options, "a.ts")).toBe(specifiers)
  })
})

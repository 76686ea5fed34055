/** Where specifiers lead. The comparison with a real bundler is esbuild.test.ts. */
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { isExposed, manifestTarget, packageName } from "../../../docs/examples/code-audit/manifest.ts"
import { dialectOf } from "../../../docs/examples/code-audit/dialect.ts"
import { resolve, type ResolveRequest } from "../../../docs/examples/code-audit/resolve.ts"
import { filesOf } from "./support.ts"

const world = filesOf({
  "/p/package.json": JSON.stringify({
    name: "own",
    exports: {
      ".": "./src/main.ts",
      "./sub/*": { require: "./src/*.cjs", default: "./src/*.ts" },
      "./sub/closed": null
    },
    imports: {
      "#a": "./src/a.ts",
      "#dep": { node: "dep", default: "./src/a.ts" },
      "#gone": "./src/gone.ts",
      "#loop": "#loop"
    }
  }),
  "/p/src/main.ts": "",
  "/p/src/a.ts": "",
  "/p/src/a.cjs": "",
  "/p/src/view.tsx": "",
  "/p/src/both.ts": "",
  "/p/src/both.js": "",
  "/p/src/node.mts": "",
  "/p/src/style.css": "",
  "/p/src/odd?.js": "",
  "/p/src/folder/index.ts": "",
  "/p/src/folder.js": "",
  "/p/src/bundled/package.json": `{"module": "./m.js", "main": "./lib"}`,
  "/p/src/bundled/lib/index.js": "",
  "/p/src/bundled/m.js": "",
  "/p/src/empty/readme.md": "",
  "/p/node_modules/dep/package.json": `{"name":"dep","exports":{".":{"import":"./i.mjs","require":"./r.cjs"},"./*.js":"./lib/*.js"}}`,
  "/p/node_modules/dep/i.mjs": "",
  "/p/node_modules/dep/r.cjs": "",
  "/p/node_modules/dep/lib/x.js": "",
  "/p/node_modules/dep/lib/both.ts": "",
  "/p/node_modules/dep/lib/both.js": "",
  "/p/node_modules/@s/old/package.json": `{"name":"@s/old","main":"lib/main"}`,
  "/p/node_modules/@s/old/lib/main.js": "",
  "/p/node_modules/@s/old/deep.js": "",
  "/mapped/package.json": `{"name":"mapped"}`,
  "/mapped/tsconfig.json": `{
    // comments and trailing commas are allowed here
    "compilerOptions": { "baseUrl": "./src", "paths": { "@/*": ["*"], "exact": ["one.ts"], }, "verbatimModuleSyntax": true },
  }`,
  "/mapped/src/one.ts": "",
  "/mapped/src/lib/two.ts": ""
})

const lead = (specifier: string, options: Partial<ResolveRequest> = {}): string => {
  const request = { from: "/p/src/main.ts", specifier, condition: "import", enterPackages: true, ...options } as const
  const resolution = Effect.runSync(resolve(world, request))
  switch (resolution.kind) {
    case "file":
      return resolution.path
    case "missing":
      return `missing: ${resolution.reason}`
    case "url":
      return "url"
    default:
      return `${resolution.kind} ${resolution.name}`
  }
}

describe("a relative specifier", () => {
  it.each([
    ["./a.ts", "/p/src/a.ts"],
    ["./a", "/p/src/a.ts"],
    ["./a.js", "/p/src/a.ts"],
    ["./view.js", "/p/src/view.tsx"],
    ["./node.mjs", "/p/src/node.mts"],
    ["./both.js", "/p/src/both.js"],
    ["./both", "/p/src/both.ts"],
    ["./folder", "/p/src/folder.js"],
    ["./folder/", "/p/src/folder/index.ts"],
    ["./bundled", "/p/src/bundled/lib/index.js"],
    [".", "missing: a directory without an index file"],
    ["./folder/..", "missing: a directory without an index file"],
    ["./empty", "missing: a directory without an index file"],
    ["./nothing.js", "missing: there is no file nothing.js"],
    ["./style.css?inline", "/p/src/style.css"],
    ["./odd?.js", "/p/src/odd?.js"],
    ["/p/src/a", "/p/src/a.ts"],
    ["file:///p/src/a.ts", "/p/src/a.ts"]
  ])("%s leads to %s", (specifier, path) => {
    expect(lead(specifier)).toBe(path)
  })

  it("prefers JavaScript inside node_modules, as the files there are what was published", () => {
    expect(lead("./both", { from: "/p/node_modules/dep/lib/x.js" })).toBe("/p/node_modules/dep/lib/both.js")
  })
})

describe("a bare specifier", () => {
  it.each([
    ["node:fs", "builtin fs"],
    ["fs/promises", "builtin fs/promises"],
    ["https://example.org/a.js", "url"],
    ["dep", "/p/node_modules/dep/i.mjs"],
    ["dep/x.js", "/p/node_modules/dep/lib/x.js"],
    ["dep/hidden", 'missing: the package\'s "exports" has no ./hidden'],
    ["@s/old", "/p/node_modules/@s/old/lib/main.js"],
    ["@s/old/deep", "/p/node_modules/@s/old/deep.js"],
    ["absent", "missing: the package absent is not installed"],
    ["own", "/p/src/main.ts"],
    ["own/sub/a", "/p/src/a.ts"],
    ["own/sub/closed", 'missing: the package\'s "exports" has no ./sub/closed'],
    ["own/sub/none", "missing: its package.json points to ./src/none.ts, which does not exist"],
    ["#a", "/p/src/a.ts"],
    ["#dep", "/p/node_modules/dep/i.mjs"],
    ["#gone", "missing: its package.json points to ./src/gone.ts, which does not exist"],
    ["#none", 'missing: the package\'s "imports" has no #none'],
    ["#loop", "missing: its package.json goes round in a circle"],
    ["", "missing: an empty specifier"]
  ])("%s leads to %s", (specifier, path) => {
    expect(lead(specifier)).toBe(path)
  })

  it("takes the branch of its condition", () => {
    expect(lead("dep", { condition: "require" })).toBe("/p/node_modules/dep/r.cjs")
    expect(lead("own/sub/a", { condition: "require" })).toBe("/p/src/a.cjs")
  })

  it("is only named where packages are not entered, unless it is the package's own name", () => {
    expect(lead("dep/x.js", { enterPackages: false })).toBe("package dep")
    expect(lead("@s/old/deep", { enterPackages: false })).toBe("package @s/old")
    expect(lead("absent", { enterPackages: false })).toBe("package absent")
    expect(lead("own/sub/a", { enterPackages: false })).toBe("/p/src/a.ts")
  })
})

describe("a tsconfig.json", () => {
  it.each([
    ["@/lib/two", "/mapped/src/lib/two.ts"],
    ["exact", "/mapped/src/one.ts"],
    ["lib/two", "/mapped/src/lib/two.ts"],
    ["@/none", "missing: the configuration maps it to no file"],
    ["none", "package none"]
  ])("maps %s to %s", (specifier, path) => {
    expect(lead(specifier, { from: "/mapped/src/one.ts", enterPackages: false })).toBe(path)
  })

  it("says whether unused imports stay", () => {
    expect(Effect.runSync(dialectOf(world, "/mapped/src/one.ts")).keeps).toBe("statements")
    expect(Effect.runSync(dialectOf(world, "/p/src/main.ts")).keeps).toBe("used")
  })
})

describe("exports of a package.json", () => {
  const node = new Set(["node", "import", "default"])

  it("prefers the longer pattern, whatever their order", () => {
    const map = { "./*": "./any/*.js", "./x/*": "./x-only/*.js", "./x/*.css": "./css/*.css" }
    expect(manifestTarget(map, "./x/a", node)).toBe("./x-only/a.js")
    expect(manifestTarget(map, "./x/a.css", node)).toBe("./css/a.css")
    expect(manifestTarget(map, "./y", node)).toBe("./any/y.js")
  })

  it("takes the first condition that holds, also nested, and the first target of an array that fits", () => {
    expect(manifestTarget({ browser: "./b.js", node: { require: "./r.js", default: "./n.js" } }, ".", node)).toBe(
      "./n.js"
    )
    expect(manifestTarget({ ".": [{ browser: "./b.js" }, "./first.js", "./second.js"] }, ".", node)).toBe("./first.js")
    expect(manifestTarget({ ".": { browser: "./b.js" } }, ".", node)).toBeUndefined()
    expect(manifestTarget("./only.js", ".", node)).toBe("./only.js")
  })

  it("exposes the files that others can import, and no others", () => {
    const map = {
      ".": { import: "./dist/index.js" },
      "./*": "./dist/*.js",
      "./internal/*": null,
      "./moved": "./dist/new.js"
    }
    expect(isExposed(map, "dist/index.js")).toBe(true)
    expect(isExposed(map, "dist/a/b.js")).toBe(true)
    expect(isExposed(map, "dist/internal/core.js")).toBe(false)
    expect(isExposed(map, "dist/moved.js")).toBe(false)
    expect(isExposed(map, "src/index.ts")).toBe(false)
    expect(isExposed(undefined, "index.js")).toBe(false)
  })

  it("names the package of a specifier", () => {
    const names = { "a/b": "a", "@s/a/b": "@s/a", "lodash.get": "lodash.get", JSONStream: "JSONStream", "a~b/": "a~b" }
    for (const [specifier, name] of Object.entries(names)) expect(packageName(specifier)).toBe(name)
    const others = ["./a", "#a", "@s", "@/a", "~/a", "$lib/a", "~icons/a", "\0a", "raw-loader!./a.js", "!!a!b", "a b"]
    expect(others.map(packageName)).toEqual(others.map(() => undefined))
  })
})

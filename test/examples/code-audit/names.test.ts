/** Specifiers lead where esbuild leads them, whatever a tsconfig.json or package.json says of them. */
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { byAudit, byEsbuild } from "./reach.ts"
import { type Texts, withPackage } from "./support.ts"

const options = (compilerOptions: unknown, more: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({ compilerOptions, ...more })

const base: Texts = {
  "index.ts": `import "~/a"; import "~/deep/b"; import "lib/a"; import "exact"; import "./rel"`,
  "lib/a.ts": "export const a = 1",
  "lib/deep/b.ts": "",
  "alt/a.ts": "",
  "alt/deep/b.ts": "",
  "rel.ts": ""
}
const cases: Record<string, Texts> = {
  "paths with several targets": {
    ...base,
    "tsconfig.json": options({ paths: { "~/*": ["./gone/*", "./alt/*", "./lib/*"], exact: ["./gone.ts", "./lib/a"] } })
  },
  "paths of which the longest goes first": {
    ...base,
    "tsconfig.json": options({ paths: { "~/*": ["./lib/*"], "~/deep/*": ["./alt/deep/*"] } })
  },
  "paths for everything": { ...base, "tsconfig.json": options({ paths: { "*": ["./lib/*", "./*"] } }) },
  "an inherited baseUrl": {
    ...base,
    "tsconfig.json": options({ paths: { "~/*": ["lib/*"] } }, { extends: "./c/base.json" }),
    "c/base.json": options({ baseUrl: ".." })
  },
  "a baseUrl over inherited paths": {
    ...base,
    "tsconfig.json": options({ baseUrl: "." }, { extends: "./c/base.json" }),
    "c/base.json": options({ paths: { "~/*": ["../lib/*"] } })
  },
  "paths over inherited paths": {
    ...base,
    "tsconfig.json": options({ paths: { exact: ["./lib/a.ts"] } }, { extends: "./c/base.json" }),
    "c/base.json": options({ paths: { "~/*": ["../lib/*"] } })
  },
  "a base through exports": {
    ...base,
    "tsconfig.json": options({}, { extends: "@x/y/z" }),
    "node_modules/@x/y/package.json": `{"name":"@x/y","exports":{"./z":"./q/z.json"}}`,
    "node_modules/@x/y/q/z.json": options({ baseUrl: "../../../.." })
  },
  "paths from the directory of the configuration": {
    ...base,
    "tsconfig.json": options({}, { extends: "./c/base.json" }),
    "c/base.json": options({ paths: { "~/*": ["${configDir}/lib/*"] } })
  },
  "a baseUrl from the directory of the configuration": {
    ...base,
    "tsconfig.json": options({}, { extends: "./c/base.json" }),
    "c/base.json": options({ baseUrl: "${configDir}/lib", paths: { "~/*": ["*"] } })
  },
  "a jsconfig.json with a baseUrl": { ...base, "jsconfig.json": options({ baseUrl: "." }) },
  "a nearer tsconfig.json that says nothing": {
    "index.ts": `import "./sub/i"`,
    "sub/i.ts": `import "~/a"`,
    "tsconfig.json": options({ paths: { "~/*": ["./lib/*"] } }),
    "sub/tsconfig.json": options({}),
    "lib/a.ts": ""
  },
  "directories with their own main and module": {
    "index.ts": `import "./a"; require("./a"); import "./b"; require("./b"); import "./c"; import "./d/"; import "./e.js"`,
    "a/package.json": `{"main":"./lib"}`,
    "a/lib/index.js": "",
    "b/package.json": `{"main":"./gone","module":"./m.js"}`,
    "b/m.js": "",
    "b/index.js": "",
    "c/package.json": `{"main":"."}`,
    "c/index.js": "",
    "d/package.json": `{"main":"x"}`,
    "d/x.ts": "",
    "d.ts": "",
    "e.js/index.js": "",
    "e.ts": ""
  },
  "the exports of the package itself": {
    "package.json": `{"name":"me","exports":{".":{"types":"./t.d.ts","node":{"import":"./n.mjs","require":"./n.cjs"}},"./x/*.js":"./lib/*.js","./dir/":"./lib/"}}`,
    "index.ts": `import "me"; require("me"); import "me/x/a.js"; import "me/dir/a.js"; import "me/none"`,
    "n.mjs": "",
    "n.cjs": "",
    "lib/a.js": ""
  },
  "the imports of the package": {
    "package.json": `{"name":"me","imports":{"#a":["./gone-cond", "./lib/a.js"],"#b/*":"./lib/*.js","#c":{"browser":"./x.js","default":"./lib/a.js"},"#d":null}}`,
    "index.ts": `import "#a"; import "#b/a"; import "#c"; import "#d"; import "#e"`,
    "lib/a.js": ""
  },
  "extensions that stand for others": {
    "index.ts": `import "./a.jsx"; import "./b.mjs"; import "./c.cjs"; import "./d.js"; import "./e"; import "./f.js"; import "./g.json"; import "./h.ts"`,
    "a.tsx": "",
    "b.mts": "",
    "c.cts": "",
    "d.tsx": "",
    "e.mjs": "",
    "f.mts": "",
    "g.json": "{}",
    "h.ts": ""
  },
  "names with signs in them": {
    "index.ts": `import "./a?raw"; import "./b#x"; import "./c%20d.js"; import "./sp ace.js"; import "././lib//a.js"; import "./lib/../rel.js"`,
    "a.ts": "",
    "b.ts": "",
    "c%20d.js": "",
    "sp ace.js": "",
    "lib/a.js": "",
    "rel.js": ""
  },
  "sources beside what was compiled": {
    "index.js": `import "./t.js"; import "./u"`,
    "t.ts": "",
    "u.ts": "",
    "u.js": "",
    "index.ts": `import "./index.js"`
  },
  "names of built-in modules": {
    ...base,
    "index.ts": `import "fs"; import "path"; import "punycode/"; import "lib/a"`,
    "tsconfig.json": options({ baseUrl: ".", paths: { fs: ["./lib/a"] } }),
    "path.ts": "",
    "punycode/index.ts": ""
  },
  "paths below a baseUrl": {
    ...base,
    "tsconfig.json": options({ baseUrl: "./lib", paths: { "~/*": ["./*", "./deep/*"] } })
  },
  "paths to directories": {
    "index.ts": `import "@ui"; import "@pkg"`,
    "tsconfig.json": options({ paths: { "@ui": ["./ui"], "@pkg": ["./pkg"] } }),
    "ui/index.tsx": "",
    "pkg/package.json": `{"main":"m.js"}`,
    "pkg/m.js": ""
  },
  "bases that are not there": {
    ...base,
    "tsconfig.json": options({ paths: { "~/*": ["./lib/*"] } }, { extends: ["./gone.json", "@no/ne"] })
  },
  "paths for internal names": {
    "package.json": `{"name":"me","imports":{"#a":"./lib/a.js"}}`,
    "index.ts": `import "#a"; import "#b"`,
    "tsconfig.json": options({ paths: { "#*": ["./alt/*"] } }),
    "lib/a.js": "",
    "alt/a.js": "",
    "alt/b.js": ""
  },
  "paths for absolute names": {
    ...base,
    "tsconfig.json": options({ baseUrl: "./", paths: { "/top/*": ["./lib/*"], "~/*": ["lib/*"] } }),
    "index.ts": `import "/top/a"; import "~/a"`
  }
}
describe("the crawl resolves as esbuild does", () => {
  it.each(Object.entries(cases))("%s", async (_, texts) => {
    await withPackage(texts, async (directory) => {
      const entry = join(directory, texts["index.ts"] === undefined ? "index.js" : "index.ts")
      const { reached } = await byAudit(entry, false)
      expect(reached).toEqual(await byEsbuild(entry, { deep: false, own: true }))
    })
  })
})

/**
 * The packages on which the audit is compared with its peers, and what is known to differ.
 *
 * Boundary: data; main.ts does the comparing.
 */

export interface Audited {
  /** The file to start from, in node_modules; a package alone stands for what an import of it leads to. */
  readonly entry: string
  /** The peers beside esbuild: knip needs ES modules, ESLint JavaScript. */
  readonly also?: ReadonlyArray<"knip" | "eslint">
  /** Compared in a copy outside of node_modules, where TypeScript files go first and tsconfig.json holds. */
  readonly copied?: boolean
}

const of = (...entries: ReadonlyArray<string>): ReadonlyArray<Audited> => entries.map((entry) => ({ entry }))

const eslint = (...entries: ReadonlyArray<string>): ReadonlyArray<Audited> =>
  entries.map((entry) => ({ entry, also: ["eslint"] }))

const sources = (...entries: ReadonlyArray<string>): ReadonlyArray<Audited> =>
  entries.map((entry) => ({ entry, copied: true }))

const knip = (...entries: ReadonlyArray<string>): ReadonlyArray<Audited> =>
  entries.map((entry) => ({ entry, copied: true, also: ["knip"] }))

export const audited: ReadonlyArray<Audited> = [
  // CommonJS.
  ...eslint(
    "express",
    "lodash",
    "async",
    "semver",
    "js-yaml",
    "knex",
    "mysql2",
    "winston",
    "handlebars",
    "koa",
    "pino"
  ),
  ...of("@babel/core", "@babel/traverse", "ajv", "axios", "bluebird", "bullmq", "debug", "ejs", "eslint", "fastify"),
  ...of("fs-extra", "graphql", "ioredis", "joi", "jsonwebtoken", "mocha", "mongodb", "pg", "postcss", "prettier"),
  ...of("rxjs", "sinon", "socket.io", "undici", "ws", "yargs", "yup", "dayjs", "commander", "vue/index.js", "p-queue"),
  // ES modules.
  ...eslint("lodash-es/lodash.js", "markdown-it", "css-tree", "execa", "got", "acorn"),
  ...of(
    "marked",
    "chai",
    "chalk",
    "d3-array",
    "d3-scale",
    "date-fns",
    "hono",
    "htmlparser2",
    "jose",
    "micromark",
    "minimatch"
  ),
  ...of("parse5", "rimraf", "unified", "uuid", "valibot", "three/src/Three.js", "zod/v4/index.js", "tshy"),
  ...of("entities", "cheerio", "solid-js", "openai", "openai/index.mjs", "@tanstack/query-core"),
  // Sources, most of them TypeScript.
  ...sources(
    "rxjs/src/index.ts",
    "mongodb/src/index.ts",
    "openai/src/index.ts",
    "cheerio/src/index.ts",
    "zod/src/index.ts"
  ),
  ...sources(
    "@tanstack/query-core/src/index.ts",
    "htmlparser2/src/index.ts",
    "preact/src/index.js",
    "svelte/src/index-server.js"
  ),
  ...knip("redux/src/index.ts", "@reduxjs/toolkit/src/index.ts", "immer/src/immer.ts", "reselect/src/index.ts"),
  ...knip(
    "entities/src/index.ts",
    "luxon/src/luxon.js",
    "ramda/src/index.js",
    "lodash-es/lodash.js",
    "hono/dist/index.js"
  ),
  ...knip("css-tree/lib/index.js", "micromark", "jose")
]

export interface Known {
  readonly entry: string
  readonly peer: "esbuild" | "knip" | "eslint"
  /** The difference as the table prints it, or a pattern of it. */
  readonly difference: RegExp
  readonly reason: string
}

export const known: ReadonlyArray<Known> = [
  {
    entry: "mocha",
    peer: "esbuild",
    difference: /of the audit alone/,
    reason: "the audit follows a require that createRequire made; esbuild does not"
  },
  {
    entry: "css-tree/lib/index.js",
    peer: "esbuild",
    difference: /of the audit alone: (lib\/(data-patch|version)\.js -> )?(data\/patch|package)\.json$/,
    reason: "the audit follows a require that createRequire made; esbuild does not"
  },
  {
    entry: "tshy",
    peer: "esbuild",
    difference: /of the audit alone: dist\/esm\/watch\.js -> dist\/esm\/index\.js$/,
    reason: 'the audit takes `new URL("./index.js", import.meta.url)` for a load: the process starts a child with it'
  },
  {
    entry: "@reduxjs/toolkit/src/index.ts",
    peer: "knip",
    difference: /devToolsEnhancer$/,
    reason: "knip leaves out what a comment marks with @public"
  },
  {
    entry: "lodash-es/lodash.js",
    peer: "knip",
    difference: /of the audit alone: \w+\.js (toString|valueOf)$/,
    reason: "knip takes names that every object has for used"
  },
  {
    entry: "css-tree/lib/index.js",
    peer: "knip",
    difference: /of knip alone: lib\/(lexer\/trace|syntax\/)/,
    reason: "knip does not count the members of a namespace that is spread or passed on, as in { ...trace }"
  },
  {
    entry: "entities/src/index.ts",
    peer: "knip",
    difference: /of knip alone: src\/decode\.ts replaceCodePoint/,
    reason:
      "knip knows sources of dist by tsconfig.json alone, which the package does not ship; exports names dist/decode.js"
  }
]

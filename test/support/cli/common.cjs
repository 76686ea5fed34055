// A CommonJS module whose names Node does not find: one assignment gives them all.
const { Agent, Fact, Program } = require("../../../src/index.ts")
const { pathToFileURL } = require("node:url")
const Schema = require("effect/Schema")

const helper = () => 1
const Square = Fact.kind("Square", { schema: Schema.Struct({ n: Schema.Finite }), id: ({ n }) => String(n) })
const square = Agent.cpu("square", {
  writes: [Square],
  execute: () => ({ facts: [Square.of({ n: helper() })] })
})
const definition = {
  module: pathToFileURL(__filename).href,
  input: Schema.Struct({}),
  agents: [square],
  output: (view) => view.size(Square)
}

module.exports = { helper, ...{ squares: Program.make("common", definition) } }

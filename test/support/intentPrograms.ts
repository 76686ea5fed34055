/** Programs whose jobs ask for decisions, for letters, and for child jobs. */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { Agent, Engine, Fact, Intent, Program } from "../../src/index.ts"

const Letter = Fact.kind("Letter", { schema: Schema.Struct({ to: Schema.String }), id: ({ to }) => to })

const Mail = Intent.kind("Mail", { payload: Schema.Struct({ to: Schema.String }), answers: [Letter] })

/** It is only written down. */
const Memo = Intent.kind("Memo", { payload: Schema.Struct({ text: Schema.String }), record: true })

export const counting = Program.make("counting", {
  input: Schema.Struct({ to: Schema.Int }),
  agents: [Agent.make("rest", { execute: () => Effect.succeed({}) })],
  output: ({ input: { to } }) => to
})

/** Asks whether to write to each person, and writes to those that are approved of. */
export const letters = Program.make("letters", {
  input: Schema.Struct({ people: Schema.Array(Schema.String) }),
  signals: [Intent.Decision],
  agents: [
    Agent.make("ask", {
      execute: (view) => {
        const { people } = view.input as { readonly people: ReadonlyArray<string> }
        return Effect.succeed({ intents: people.map((id) => Intent.approval({ id, question: `Write to ${id}?` })) })
      }
    }),
    Agent.make("send", {
      each: Intent.Decision,
      intents: [Mail, Memo],
      execute: ({ value: { approval, approved } }) =>
        Effect.succeed({ intents: approved ? [Mail.of({ to: approval }), Memo.of({ text: "sent" })] : [] })
    })
  ],
  output: (view) => view.all(Letter).map(({ id }) => id)
})

/** Has a child job, named or not. */
export const parents = Program.make("parents", {
  input: Schema.Struct({}),
  agents: [
    Agent.make("spawn", {
      execute: () => Effect.succeed({ intents: [Intent.child(counting, { to: 7 }, { id: "seven" })] })
    })
  ]
})

/** A handler of the letters, which tries once, and refuses to write to one person. */
const post = Engine.handler(
  Mail,
  ({ payload: { to } }) =>
    to === "Eve"
      ? Effect.fail({ _tag: "NoAddress", message: "Eve has no address" })
      : Effect.succeed([Letter.of({ to })]),
  { retry: Schedule.recurs(0) }
)

const options: Pick<Engine.EngineOptions<Program.Program.Any>, "children"> & {
  readonly handlers: ReadonlyArray<typeof post>
} = { handlers: [post], children: [counting] }

/** The handler and the child jobs of these programs. The type of an engine's options names programs, which differ here. */
export const engine = options as Engine.EngineOptions

import { describe, expect, it } from 'vitest'
import { isOrdinary } from '../../facts/ordinary.support.js'

describe('a tool that runs other commands', () => {
  it.each([
    ['bundle exec rm -rf src', 'bundle exec rspec'],
    ['uv run rm -rf src', 'uv run pytest -q'],
    ['uv run --with x pytest', 'uv run x.py'],
    ['poetry run python -c x', 'poetry run pytest'],
    ['lerna exec --scope x -- rm -rf src', 'lerna exec --scope x -- npm test'],
    ['nx exec -- rm -rf src', 'nx run app:build'],
    ['pnpm exec rm -rf src', 'pnpm exec tsc --noEmit'],
    ['pnpm recursive exec rm -rf src', 'pnpm -r exec tsc --noEmit'],
    ['uv run --python /tmp/x pytest', 'uv run --python 3.12 pytest'],
    ['uv run -', 'uv run src/x.py'],
    ['yarn exec rm -rf src', 'yarn exec tsc'],
    ['composer exec -- rm -rf src', 'composer install'],
    ['stack exec -- rm -rf src', 'stack build'],
    ['mix cmd rm -rf src', 'mix test'],
    ['just --command rm -rf src', 'just test'],
    ['c8 --reporter text rm -rf src', 'c8 --reporter text vitest run'],
    ["nyc sh -c 'rm -rf src'", 'nyc node x.js'],
    ['concurrently "npm:test" "rm -rf src"', 'concurrently -n a,b "npm:test" "npm run lint"'],
    ["nodemon --exec 'rm -rf src'", 'nodemon src/index.js'],
    ["mapfile -C 'rm -rf src' -c 1 a < f", 'mapfile -t a < f'],
    ["echo 'rm -rf src' | parallel", 'parallel echo ::: a b'],
    ['fd -Hx rm', 'fd -H x'],
    ['fd . --exec=rm', 'fd . --exec wc -l'],
    ['fd . -xrm', 'fd -e ts'],
    ["npx --call='rm -rf src'", 'npx tsc --noEmit'],
    ["python -m pylint --init-hook='x' a", 'python -m pylint a'],
  ])('%s is more than a build; %s is not', (asked, ordinary) => {
    expect([isOrdinary(asked), isOrdinary(ordinary)]).toEqual([false, true])
  })
})

describe('a tool that is given code among its words', () => {
  it.each([
    ['tsx -e x', 'tsx src/x.ts'],
    ['ts-node --eval=x', 'ts-node src/x.ts'],
    ["rake -e 'x'", 'rake test'],
    ['deno eval x', 'deno task x'],
    ['rails runner x', 'rails test'],
    ['mix run -e x', 'mix test'],
    ['dotnet script eval x', 'dotnet test'],
    ['swift -e x', 'swift test'],
    ['ghc -e x', 'ghc Main.hs'],
    ['python -m timeit x', 'python -m doctest x'],
    ["sbt 'eval x'", 'sbt test'],
  ])('%s runs what nobody looks at; %s runs what the project has', (asked, ordinary) => {
    expect([isOrdinary(asked), isOrdinary(ordinary)]).toEqual([false, true])
  })
})

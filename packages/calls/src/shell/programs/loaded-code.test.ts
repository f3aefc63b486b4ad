import { describe, expect, it } from 'vitest'
import { isOrdinary } from '../../facts/ordinary.support.js'

describe('code that a build is told to load', () => {
  it.each([
    ['prettier --check --plugin=../x.js src', 'prettier --check --plugin=./x.js src'],
    ['prettier --check --plugin=/tmp/x.js src', 'prettier --check --plugin x src'],
    ['eslint --config /tmp/x.js src', 'eslint --config x.js src'],
    ['eslint -c ../x.js src', 'eslint -c config/x.js src'],
    ['eslint --format /tmp/x.js src', 'eslint --format stylish -o /tmp/x.txt src'],
    ['jest --setupFilesAfterEnv /tmp/x.js', 'jest --coverageDirectory /tmp/x'],
    ['vitest run --config=../x.ts', 'vitest run --config vitest.unit.ts'],
    ['mocha -r /tmp/x.js', 'mocha -r tsx test'],
    ['pylint --rcfile=../x src', 'pylint --rcfile=.pylintrc src'],
    ['pytest -c ../pytest.ini', 'pytest -c pytest.ini'],
    ['pytest /tmp/x/test_a.py', 'pytest --junitxml=/tmp/x.xml tests'],
    ['python -m unittest /tmp/x.py', 'python -m unittest tests/x.py'],
    ['tsx /tmp/x.ts', 'tsx src/x.ts /tmp/out.json'],
    ['gradle -I /tmp/x.gradle build', 'gradle -p app build'],
    ['mvn -s /tmp/settings.xml test', 'mvn -s settings.xml test'],
    ['cmake -DCMAKE_C_COMPILER=/tmp/cc -B build', 'cmake -DCMAKE_C_COMPILER=/usr/bin/clang -B build'],
    ['cmake -DCMAKE_TOOLCHAIN_FILE=../x.cmake -B build', 'cmake -DCMAKE_TOOLCHAIN_FILE=x.cmake -B build'],
    ['cargo make --makefile /tmp/x.toml x', 'cargo make --makefile x.toml x'],
    ['rustc -Clinker=/tmp/x a.rs', 'rustc -Clinker=clang a.rs'],
    ['gcc @/tmp/x', 'gcc @flags.txt a.c'],
    ['javac -J-javaagent:../x.jar A.java', 'javac -d out A.java'],
    ['bazel build --override_module=a=/tmp/x //y', 'bazel build --override_module=a=third_party/x //y'],
    ['uv run --env-file ../x y', 'uv run --env-file x.env y'],
    ['uv run -p /tmp/python x', 'uv run -p 3.12 x'],
    ['deno run --config ../deno.json a.ts', 'deno run --config deno.json a.ts'],
    ['deno test /tmp/x.ts', 'deno test src'],
    ['go run /tmp/x.go', 'go run ./cmd/x /tmp/out'],
    ['dotnet /tmp/x.dll', 'dotnet build -o /tmp/x'],
    ['dart run /tmp/x.dart', 'dart test'],
    ['swift /tmp/x.swift', 'swift build --scratch-path /tmp/x'],
    ['streamlit run /tmp/x.py', 'streamlit run app.py'],
    ['gunicorn -c /tmp/x.py a:app', 'gunicorn -c x.py a:app'],
    ['pandoc -L /tmp/x a.md', 'pandoc -L x.lua a.md -o /tmp/a.html'],
    ['buf generate --template /tmp/x', 'buf generate'],
    ['./configure CC=/tmp/x', './configure CC=/usr/bin/gcc'],
  ])('%s is asked about; %s is not', (asked, ordinary) => {
    expect([isOrdinary(asked), isOrdinary(ordinary)]).toEqual([false, true])
  })
})

describe('names that another command puts out', () => {
  it.each([
    ['cat $(git log --name-only)', 'cat $(git diff --name-only)'],
    ['cat $(git ls-files --others)', 'cat $(git ls-files src)'],
    ["cat $(git ls-files '*.env')", "cat $(git ls-files '*.ts')"],
    ['cat $(fd -H)', 'cat $(fd x)'],
    ['cat $(rg --files --hidden)', 'cat $(rg --files)'],
  ])('%s is asked about; %s is not', (asked, ordinary) => {
    expect([isOrdinary(asked), isOrdinary(ordinary)]).toEqual([false, true])
  })
})

import { describe, expect, it } from 'vitest'
import { factsOf } from '../../facts/facts.js'
import { isOrdinary } from '../../facts/ordinary.support.js'

describe('keys, tokens and passwords', () => {
  it.each([
    ['env | sort', 'env | grep NODE'],
    ['env | grep -v x', 'env | grep -i node'],
    ['env | grep -i token', 'env | grep PATH'],
    ['printenv AWS_SECRET_ACCESS_KEY', 'printenv PATH'],
    ['echo $GITHUB_TOKEN', 'echo $HOSTNAME'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's.
    ['echo "${API_KEY}"', 'echo "${API_KEY:+set}"'],
    ['grep -r . --include=.env', "grep -r x --include='*.ts' src"],
    ['git config -l', 'git config --list --name-only'],
    ['git config --global --lis', 'git config --global user.name'],
    ['git config list', 'git config --get core.list'],
    ["git config --get-regexp '.*'", "git config --get-regexp '^branch\\.'"],
    ['git config get --all --regexp http', 'git config get user.email'],
    ['git var -l', 'git var GIT_EDITOR'],
    ['helm get values x', 'helm get notes x'],
    ['helm -n a get all x', 'helm get metadata x'],
    ['helm get manifest x', 'helm status x'],
    ["rg . -g '.e*'", "rg x -g '!*.test.ts'"],
    ['cat ~/.bash_history', 'cat docs/history.md'],
    ['cat ~/.codex/auth.json', 'cat src/auth.json'],
    ['cat ~/.claude/.credentials.json', 'cat ~/.claude/settings.json'],
    ['cat terraform.tfstate', 'cat main.tf'],
    ['cat ~/.my.cnf', 'cat my.conf'],
    ['cat ~/.config/rclone/rclone.conf', 'cat ~/.config/x.conf'],
    ['cat config/credentials.yml.enc', 'cat config/application.yml'],
    ['cat service-account.json', 'cat package.json'],
  ])('stand in what %s shows, and not in what %s does', (asked, ordinary) => {
    expect([isOrdinary(asked), isOrdinary(ordinary)]).toEqual([false, true])
  })
})

describe('files of secrets among all files', () => {
  it.each([
    ['cat $(find . -type f)', 'cat $(git ls-files)'],
    ['cat $(ls -A)', 'cat $(ls)'],
    ['find . -type f -exec cat {} +', "find . -name '*.ts' -exec cat {} +"],
    ['find . -type f -exec timeout 5 cat {} +', 'find . -type f -exec wc -l {} +'],
    ["find . -name '*.*' -exec cat {} +", "find . -name '*.*' -exec md5sum {} +"],
    ["find . -name '*.env' -exec cat {} +", "find . -type f ! -name '.*' -exec cat {} +"],
    ["find . -not -path './.git/*' -exec cat {} +", "find . -not -path '*/.*' -exec cat {} +"],
    ['find . -type f -exec sed -n p {} +', 'find . -type f -exec sed -i s/a/b/ {} +'],
    ['find . -type f | xargs cat', "find . -type f | grep '\\.ts$' | xargs cat"],
    ['find . -print0 | grep -zv test | xargs -0 cat', 'find . -type f | xargs grep foo'],
    ['find . -type f | xargs -I% env cat %', 'ls | xargs cat'],
    ["find . -name '*.e*' -exec cat {} +", "find . -name '*.ex*' -exec cat {} +"],
    [
      "find . -name '*.ts' -o -type f -exec cat {} +",
      "find . \\( -name '*.ts' -o -name '*.js' \\) -exec cat {} +",
    ],
    ["cat '' .env", "cat '' x"],
    ["grep '' .env", "grep '' x"],
    ['git grep --no-index .', 'git grep .'],
    ['ack .', 'ack foo'],
    ['ag --hidden .', 'ag .'],
    ["grep -rnE '\\w' .", "grep -rnE '\\bfoo' ."],
    ['cat .git/config', 'git config user.name'],
    ['fd -H . -x cat', 'fd . -x cat'],
    ['grep -r . .', 'grep -r foo .'],
    ['grep -rhv zzz .', 'grep -v foo a.txt'],
    ["grep --recursive -e '' .", 'grep -rc . src'],
    ['grep -rn TOKEN= .', 'grep -rn token src'],
    ["grep -r . --include='*.env'", "grep -r . --include='*.ts' src"],
    ['find . -type f -exec grep . {} +', 'find . -type f -exec grep -n foo {} +'],
    ['rg -uu .', 'rg .'],
    ['rg --hidden KEY=', 'rg --hidden foo'],
  ])('stand in what %s shows, and not in what %s does', (asked, ordinary) => {
    expect([isOrdinary(asked), isOrdinary(ordinary)]).toEqual([false, true])
  })
})

describe('a secret that is the name of a member', () => {
  it.each([
    ['AKIAIOSFODNN7EXAMPLE', 'aws-key'],
    [`ghp_${'a1'.repeat(18)}`, 'github-token'],
  ])('is found: %s', (name, kind) => {
    const { secrets } = factsOf(
      { tool: 'post', arguments: { body: { [name]: 1 } } },
      { workspace: '/a', home: '/b' },
    )
    expect(secrets).toEqual([{ where: `/body/${name}`, kind }])
  })
})

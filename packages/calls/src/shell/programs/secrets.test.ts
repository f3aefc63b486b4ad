import { describe, expect, it } from 'vitest'
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

import { parseEnv } from 'node:util'
import { describe, expect, it } from 'vitest'
import { parseEnvironmentFile } from './environment-file.js'

describe('a file of variables', () => {
  it.each([
    ['MQTT_PERMISSIONS=jamey/#', 'jamey/#'],
    ['MQTT_PERMISSIONS=#', '#'],
    ['MQTT_PERMISSIONS=jamey/#,publish:lab/#', 'jamey/#,publish:lab/#'],
    ['MQTT_PERMISSIONS=jamey/#, publish:lab/# # all of both', 'jamey/#, publish:lab/#'],
    ["MQTT_PERMISSIONS='jamey/#'", 'jamey/#'],
    ['MQTT_PERMISSIONS="jamey/#" # quoted', 'jamey/#'],
    ['export MQTT_PERMISSIONS = jamey/#  ', 'jamey/#'],
    ['MQTT_PERMISSIONS= # none', ''],
    ['MQTT_PERMISSIONS=jamey/#\r', 'jamey/#'],
  ])('takes %j as anyone would write it', (line, expected) => {
    expect(parseEnvironmentFile(`\ufeff# ours\n${line}\nNEXT=1\n`)).toEqual({
      MQTT_PERMISSIONS: expected,
      NEXT: '1',
    })
  })

  it.each([
    'A=1\nB = two words \nC=\n\n#D=4\nF=a=b',
    'A="x # y"\nB=\'x # y\'\nC=`x "y"`',
    'A="one\ntwo"\nB=3',
    'A="one\\ntwo"\nB=\'one\\ntwo\'',
    'A=one # two\nexport B=2',
    "SECRET=it's\nB=2",
  ])('reads %j as Node does', (text) => {
    expect(parseEnvironmentFile(text)).toEqual({ ...parseEnv(text) })
  })
})

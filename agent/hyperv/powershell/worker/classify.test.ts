import { classify } from './classify';
import type { NativeError } from './native-error';

const error = (fields: Partial<NativeError>): NativeError => ({
  message: 'Der Vorgang ist fehlgeschlagen.',
  type: 'Microsoft.HyperV.PowerShell.VirtualizationException',
  fullyQualifiedId: 'Unspecified,Microsoft.HyperV.PowerShell.Commands.SaveVM',
  identifier: '',
  category: 'NotSpecified',
  hresult: '0x80131500',
  innerHresult: '',
  returnValue: null,
  jobErrorCode: null,
  changed: false,
  codes: [],
  at: '',
  ...fields,
});

test.each<[string, Partial<NativeError>, object]>([
  ['refusal of a handler', { fullyQualifiedId: 'hyperferry.VmStateWrong' }, { code: 'VmStateWrong', effect: 'none' }],
  ['HRESULT', { hresult: '0x80070005' }, { code: 'AccessDenied', effect: 'none', native: '0x80070005' }],
  ['HRESULT within', { innerHresult: '0x800705AA' }, { code: 'NotEnoughMemory', native: '0x800705AA' }],
  ['number in the message', { codes: ['0x800705aa'] }, { code: 'NotEnoughMemory', native: '0x800705AA' }],
  ['return value', { returnValue: 32775 }, { code: 'VmStateWrong', effect: 'none', native: 'return value 32775' }],
  ['error of a job', { jobErrorCode: 32775 }, { code: 'VmStateWrong', effect: 'unknown', native: 'job error 32775' }],
  ['identifier', { identifier: 'InvalidState' }, { code: 'VmStateWrong', native: 'InvalidState' }],
  ['id', { fullyQualifiedId: 'AccessDenied,Microsoft.X' }, { code: 'AccessDenied', native: 'AccessDenied' }],
  ['category', { category: 'PermissionDenied' }, { code: 'AccessDenied', native: 'PermissionDenied' }],
  ['lost service', { hresult: '0x800706BA' }, { code: 'HyperVSilent', retry: 'transient', effect: 'unknown' }],
  ['unknown number', { codes: ['0xC0FFEE00'] }, { code: 'HyperVRefused', effect: 'unknown', native: '0xC0FFEE00' }],
  [
    'what was changed before',
    { changed: true, identifier: 'AccessDenied' },
    { code: 'AccessDenied', effect: 'applied' },
  ],
  [
    'lost service behind a change',
    { changed: true, hresult: '0x800706BA' },
    { code: 'HyperVSilent', effect: 'unknown' },
  ],
  ['unknown return value', { returnValue: 5 }, { code: 'HyperVRefused', native: 'return value 5' }],
])('%s decides', (_name, fields, expected) => {
  expect(classify(error(fields), true)).toMatchObject(expected);
});

test('the text of a message decides nothing', () => {
  for (const message of ['Access is denied.', 'VmNotFound', 'hyperferry.VmStateWrong', 'Not enough memory'])
    expect(classify(error({ message }), true)).toMatchObject({ code: 'HyperVRefused', message });
});

test('what only looks never leaves an effect, and names that are no code are not taken for one', () => {
  expect(classify(error({}), false).effect).toBe('none');
  expect(classify(error({ fullyQualifiedId: 'hyperferry.toString' }), true).code).toBe('HyperVRefused');
});

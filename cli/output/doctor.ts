import type { DoctorReport, Finding } from '../../agent/doctor';
import { tableLines } from './table';

const resultOf = (finding: Finding): string => {
  switch (finding.type) {
    case 'fine':
      return 'ok';
    case 'skipped':
      return 'skipped';
    case 'wrong':
      return finding.severity.toUpperCase();
  }
};

/** A table of all checks, and below it what is wrong, each with its remedy. */
export function doctorLines({ findings, criticalCount, warningCount }: DoctorReport): string[] {
  const rows = findings.map((one) => [one.id, resultOf(one), one.type === 'wrong' ? one.looksAt : one.message]);
  const wrong = findings.flatMap((one) =>
    one.type === 'wrong' ? ['', `${resultOf(one)} ${one.id}: ${one.message}`, `  remedy: ${one.remedy}`] : [],
  );
  return [
    ...tableLines(['CHECK', 'RESULT', 'WHAT'], rows),
    ...wrong,
    '',
    `${criticalCount} critical, ${warningCount} warnings`,
  ];
}

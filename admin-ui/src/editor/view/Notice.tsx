import { Alert } from '@mantine/core';
import type { AlertProps } from '@mantine/core';

const COLOURS = { bad: 'var(--ed-bad)', warn: 'var(--ed-warn)', good: 'var(--ed-connect)', info: 'var(--ed-lit)' } as const;

interface Props extends Omit<AlertProps, 'color' | 'variant' | 'styles'> {
  kind: keyof typeof COLOURS;
}

/** An alert whose words have the page's contrast; its edge has the colour. */
export function Notice({ kind, ...rest }: Props) {
  return <Alert {...rest} variant="default" styles={{ root: { borderLeft: `4px solid ${COLOURS[kind]}` } }} />;
}

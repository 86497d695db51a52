import { Progress, Stack, Text } from '@mantine/core';

/** How much of a file has gone; when all has, the server is still at it. `words` say so, and name the bar without `label`. */
export function Sending({ share, words, label = words }: { share: number; words: string; label?: string }) {
  return (
    <Stack gap={4}>
      <Progress value={Math.floor(share * 100)} animated={share >= 1} aria-label={label} />
      <Text size="xs" c="dimmed" role="status">{words}</Text>
    </Stack>
  );
}

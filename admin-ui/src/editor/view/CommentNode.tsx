import { NodeResizer } from '@xyflow/react';
import type { NodeProps } from '@xyflow/react';
import { createContext, memo, useContext } from 'react';
import { useTranslation } from 'react-i18next';

import type { Comment } from '../model/index';
import type { CommentNodeType } from './graph';

/** How a comment changes what it says; `null`: it may not. */
export const CommentEdit = createContext<((id: string, change: Partial<Omit<Comment, 'id'>>) => void) | null>(null);

/** A note on the drawing, which calls do not see. */
export const CommentNode = memo(function CommentNode({ id, data, selected }: NodeProps<CommentNodeType>) {
  const { t } = useTranslation('editor');
  const change = useContext(CommentEdit);
  const { comment } = data;
  if (change === null || data.readOnly) return <div className="ed-comment"><p>{comment.text}</p></div>;
  return (
    <div className={selected ? 'ed-comment ed-selected' : 'ed-comment'}>
      <NodeResizer isVisible={selected === true} minWidth={120} minHeight={60}
        onResizeEnd={(_, { x, y, width, height }) =>
          change(id, { x: Math.round(x), y: Math.round(y), w: Math.round(width), h: Math.round(height) })} />
      <div className="ed-comment-grip" />
      <textarea className="nodrag nowheel" aria-label={t('node.comment')} placeholder={t('node.commentHint')}
        value={comment.text} maxLength={4096} onChange={(event) => change(id, { text: event.currentTarget.value })} />
    </div>
  );
});

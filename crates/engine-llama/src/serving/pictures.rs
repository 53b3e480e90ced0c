//! Prompts with pictures: mtmd makes tokens and vectors of them and computes the whole prompt in one go.

use std::path::PathBuf;

use engine_protocol::Failure;
use llama_cpp_2::mtmd::{MtmdBitmap, MtmdInputChunks, MtmdInputText};

use super::decode::Server;
use super::{News, Prompt, check_length, signed};
use crate::files::name;

/// A picture's file: far above any photograph, far below what would fill the memory.
const MAX_PICTURE_BYTES: u64 = 64 * 1024 * 1024;

impl Server<'_> {
    /// Computes one prompt with pictures, if one waits in a slot.
    pub fn begin_pictures(&mut self) -> bool {
        let at = self.slots.iter().position(|slot| {
            let job = slot.job.as_ref();
            slot.position == 0 && job.is_some_and(|job| matches!(job.chat.prompt, Prompt::Pictures { .. }))
        });
        let Some(at) = at else { return false };
        if let Err(failure) = self.compute_pictures(at) {
            let job = self.leave(at);
            self.cut(at, 0);
            if let Some(job) = job {
                job.chat.link.say(News::Failed(failure));
            }
            return true;
        }
        self.draw(at, -1);
        true
    }

    fn compute_pictures(&mut self, at: usize) -> Result<(), Failure> {
        let chunks = self.chunks(at)?;
        let tokens = chunks.total_tokens();
        check_length(tokens, self.limit)?;
        for other in 0..self.slots.len() {
            if self.slots[other].job.is_none() {
                // mtmd cannot be asked to try again: everything that is only remembered makes room.
                self.cut(other, 0);
            }
        }
        let held: usize = self.slots.iter().map(|slot| slot.position as usize).sum();
        if held + tokens > self.cells {
            return Err(Failure::memory("the context is full of other chats: make `contextSize` larger"));
        }
        let slot = &mut self.slots[at];
        let Some(pictures) = &mut self.pictures else {
            return Err(Failure::internal("pictures without a vision projector"));
        };
        let position = chunks
            .eval_chunks(pictures, &mut self.context, 0, slot.sequence, signed(self.batch_size), true)
            .map_err(|problem| Failure::internal(format!("images: {problem}")))?;
        slot.position = position;
        slot.held.clear();
        if let Some(job) = &mut slot.job {
            job.prompt_tokens = tokens as u64;
        }
        Ok(())
    }

    fn chunks(&self, at: usize) -> Result<MtmdInputChunks, Failure> {
        let job = self.slots[at].job.as_ref();
        let (Some(context), Some(Prompt::Pictures { text, files })) =
            (&self.pictures, job.map(|job| &job.chat.prompt))
        else {
            return Err(Failure::internal("pictures without a vision projector"));
        };
        let bitmaps: Vec<MtmdBitmap> = files
            .iter()
            .map(|file| {
                let path = readable(file)?;
                MtmdBitmap::from_file(context, path, false).map_err(|_| {
                    Failure::bad_input(format!("images: `{}` is no picture that can be read", name(file)))
                })
            })
            .collect::<Result<_, _>>()?;
        let bitmaps: Vec<&MtmdBitmap> = bitmaps.iter().collect();
        let text = MtmdInputText { text: text.clone(), add_special: true, parse_special: true };
        context.tokenize(text, &bitmaps).map_err(|problem| Failure::bad_input(format!("images: {problem}")))
    }
}

fn readable(file: &PathBuf) -> Result<&str, Failure> {
    let bytes =
        std::fs::metadata(file).map_err(|e| Failure::internal(format!("images: `{}`: {e}", name(file))))?;
    if bytes.len() > MAX_PICTURE_BYTES {
        let problem =
            format!("images: `{}` has {} bytes, at most {MAX_PICTURE_BYTES}", name(file), bytes.len());
        return Err(Failure::bad_input(problem));
    }
    file.to_str().ok_or_else(|| Failure::internal("images: the path of a picture is not text"))
}

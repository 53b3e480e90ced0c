"""Latents to pictures: the decoder half of the Flux VAE's architecture, narrow, with the names of diffusers.

The last normalisation has 32 groups on 32 channels, so it takes away each channel's mean: just the mean colour of the
picture. A decoder from random numbers never learns around that. This one starts from a solution made by hand and trains
the rest:

1. The colours of the patches (`rgb`) pass through all levels in channels that nothing else may write.
2. Attention with zero queries is a plain average: it measures the picture's mean colour `m`.
3. At full resolution a difference kernel turns `m`, against the zero padding, into a border of 64 m. Taken from `rgb`
   it leaves channels of mean zero: nothing for the normalisation to take away.
4. Large constant spikes on the border fix the deviation of these channels, so that their scale survives as well.
5. `silu(x) - silu(-x) = x`: channels come in pairs of both signs, and a pixel with equal spikes in both falls silent.

Two sets of such pairs share the picture: one is silent in the top and bottom rows, the other everywhere else. Only the
four corner pixels are wrong in both.
"""

import math

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import nn

from latent import CHANNELS, Latents
from scene import RESOLUTION

#: What stable-diffusion.cpp does to latents before it decodes: `latent / SCALE + SHIFT`, as for Flux.
SCALE, SHIFT = 0.3611, 0.1159
WIDTHS = [32, 64, 128, 128]

#: Residual blocks that are trained; the branches of the others stay zero, and training skips them.
TRAINED = ["mid0", "mid1", "up00", "up01", "up10", "up11", "up20", "up21", "up30"]
#: Blocks at 128 channels, where rows 0-15 are taken, and at 64, where rows 0-8 are.
_WIDE, _MIDDLE = ["mid0", "mid1", "up00", "up01", "up10", "up11"], ["up20", "up21"]
_WIDE_TAKEN, _MIDDLE_TAKEN = 16, 9
#: Channels of the pairs at 32 channels.
_PAIRED = 12

#: A constant beside each colour: the first normalisation divides by it instead of by the picture's own spread.
_ANCHOR = 16.0
#: Heights of the spikes: one silences a border pixel, one lifts the border of the other set out of its silence, and the
#: corners fix the deviation. All sums of them are exact in 16 bits.
_SPIKE, _LIFT, _CORNER = 64.0, 32.0, 16384.0
#: The spike block's input: `silu` of its bias.
_SPIKE_BIAS = 2.0
_ONE = _SPIKE_BIAS / (1 + math.exp(-_SPIKE_BIAS))
#: Two rows of this times m weigh as much as m in every pixel.
_BORDER_GAIN = RESOLUTION / 2
#: Pixels of a side without its corners.
_SIDE_PIXELS = RESOLUTION - 2
#: Random parts of the start are this much weaker than diffusers makes them.
_CALM = 0.3


class Decoder(nn.Module):
    """The decoder for training: the same numbers as diffusers' own, without the branches that stay zero."""

    def __init__(self, latents: Latents) -> None:
        super().__init__()
        self.inner = autoencoder(WIDTHS).decoder
        self.blocks = _named_blocks(self.inner)
        with torch.no_grad():
            self._quiet_blocks()
            self._read_latents(latents)
            self._measure_mean()
            self._carry_up()
            spike_kernel = self._pair_at_full_size()
            ones = torch.full((1, 1, RESOLUTION, RESOLUTION), _ONE)
            self.register_buffer("spikes", F.conv2d(ones, spike_kernel, padding=1), persistent=False)

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        """Decodes latents as the transformer makes them: [B, 16, 16, 16] to [B, 3, 128, 128]."""
        inner, mid = self.inner, self.inner.mid_block
        x = self._block("mid0", inner.conv_in(latents / SCALE + SHIFT))
        attention = mid.attentions[0]
        mean = attention.to_v(attention.group_norm(x.float()).flatten(2).mean(2))
        x = x + attention.to_out[0](mean)[:, :, None, None].to(x.dtype)
        x = self._block("mid1", x)
        for level, up in enumerate(inner.up_blocks):
            for number in range(3):
                x = self._block(f"up{level}{number}", x)
            if level < 3:
                x = up.upsamplers[0](x)
        return inner.conv_out(F.silu(inner.conv_norm_out(x.float() + self.spikes)))

    def _block(self, name: str, x: torch.Tensor) -> torch.Tensor:
        return self.blocks[name](x, None) if name in TRAINED else x

    def _quiet_blocks(self) -> None:
        for name, block in self.blocks.items():
            block.conv2.weight.mul_(_CALM if name in TRAINED else 0)
            block.conv2.bias.zero_()

    def _read_latents(self, latents: Latents) -> None:
        """128 channels: +rgb, -rgb and two anchors for each colour (0-11), room for m (12-15), the latent (16-31)."""
        conv, colour = self.inner.conv_in, latents.mean_colour() * SCALE
        conv.weight[:32] = 0
        conv.bias.zero_()
        for k in range(3):
            for channel, sign in ((4 * k, 1), (4 * k + 1, -1)):
                conv.weight[channel, :, 1, 1] = sign * colour[k]
                conv.bias[channel] = -sign * SHIFT * colour[k].sum()
            conv.bias[4 * k + 2], conv.bias[4 * k + 3] = _ANCHOR, -_ANCHOR
        for channel in range(CHANNELS):
            conv.weight[16 + channel, channel, 1, 1] = SCALE
            conv.bias[16 + channel] = -SCALE * SHIFT
        self._freeze_rows(conv, _WIDE_TAKEN)

    def _measure_mean(self) -> None:
        """Writes m into channels 12-14: a group of (x, -x, anchor, -anchor) is divided by anchor / sqrt(2)."""
        attention = self.inner.mid_block.attentions[0]
        for linear in (attention.to_q, attention.to_k, attention.to_v, attention.to_out[0]):
            linear.weight.zero_()
            linear.bias.zero_()
        for k in range(3):
            attention.to_v.weight[12 + k, 4 * k] = _ANCHOR / math.sqrt(2)
            attention.to_out[0].weight[12 + k, 12 + k] = 1
        attention.requires_grad_(False)

    def _carry_up(self) -> None:
        """Passes the taken channels up; at 64 channels they are rgb (0-2), m (3-5), free (6-8), the latent (9-24)."""
        ups = self.inner.up_blocks
        for names, taken in ((_WIDE, _WIDE_TAKEN), (_MIDDLE, _MIDDLE_TAKEN)):
            for name in names:
                self.blocks[name].conv2.weight[:taken] = 0
                self._freeze_rows(self.blocks[name].conv2, taken)
        for level in (0, 1):
            _pass_through(ups[level].upsamplers[0].conv, exact=range(32))
            self._freeze_rows(ups[level].upsamplers[0].conv, _WIDE_TAKEN)

        shortcut = self.blocks["up20"].conv_shortcut
        shortcut.weight[:25] = 0
        shortcut.bias.zero_()
        for k in range(3):
            shortcut.weight[k, 4 * k] = shortcut.weight[3 + k, 12 + k] = 1
        for channel in range(CHANNELS):
            shortcut.weight[9 + channel, 16 + channel] = 1
        self._freeze_rows(shortcut, _MIDDLE_TAKEN)

        # m becomes two borders: top and bottom rows (3-5), left and right columns (6-8).
        conv = ups[2].upsamplers[0].conv
        _pass_through(conv, exact=[0, 1, 2, *range(9, 25)])
        conv.weight[3:9] = 0
        difference = _BORDER_GAIN * torch.tensor([-1.0, 2.0, -1.0])
        for k in range(3):
            conv.weight[3 + k, 3 + k, :, 1] = difference
            conv.weight[6 + k, 3 + k, 1, :] = difference
        self._freeze_rows(conv, _MIDDLE_TAKEN)

    def _pair_at_full_size(self) -> torch.Tensor:
        """32 channels: two sets of pairs (0-11), clean rgb (12-14), free (15-31). Returns the kernel of the spikes."""
        norm, conv_out = self.inner.conv_norm_out, self.inner.conv_out
        shortcut, spike_block = self.blocks["up30"].conv_shortcut, self.blocks["up32"]
        self.blocks["up30"].conv2.weight[:_PAIRED] = 0  # Not frozen: what training adds to the pairs sharpens them.
        shortcut.weight[:15] = 0
        shortcut.bias.zero_()
        # The spike block sees only a constant, channel 31 of its second normalisation.
        spike_block.norm2.weight[31], spike_block.norm2.bias[31] = 0, _SPIKE_BIAS
        spike_block.conv2.weight.zero_()
        spike_block.requires_grad_(False)
        conv_out.weight.mul_(0.1)
        conv_out.weight[:, :_PAIRED] = 0
        conv_out.bias.zero_()

        inner_set = (3, (-_SPIKE, 0.0), 0.0)
        border_set = (6, (_LIFT, -_SPIKE), -_LIFT * _ONE)
        for k in range(3):
            shortcut.weight[12 + k, k] = 1
            for start, (border, heights, bias) in ((0, inner_set), (6, border_set)):
                for channel, sign in ((start + k, 1), (start + 3 + k, -1)):
                    shortcut.weight[channel, k] = sign
                    shortcut.weight[channel, border + k] = -sign
                    spike_block.conv2.weight[channel, 31] = _spike_kernel(*heights)
                    norm.weight[channel], norm.bias[channel] = _deviation(*heights), bias
                    conv_out.weight[k, channel, 1, 1] = sign
        self._freeze_rows(shortcut, _PAIRED)
        self._freeze_rows(norm, _PAIRED)
        columns = torch.ones_like(conv_out.weight)
        columns[:, :_PAIRED] = 0
        conv_out.weight.register_hook(lambda gradient: gradient * columns)
        return spike_block.conv2.weight[:, 31:32].clone()

    @staticmethod
    def _freeze_rows(layer: nn.Module, count: int) -> None:
        """Keeps training from the first `count` outputs of `layer`."""
        for parameter in (layer.weight, layer.bias):
            mask = torch.ones_like(parameter)
            mask[:count] = 0
            parameter.register_hook(lambda gradient, mask=mask: gradient * mask)


def _pass_through(conv: nn.Module, exact) -> None:
    """Starts `conv` near the identity, and as just that for the channels in `exact`."""
    conv.weight.mul_(_CALM)
    conv.bias.zero_()
    for channel in range(conv.out_channels):
        if channel in exact:
            conv.weight[channel] = 0
            conv.weight[channel, channel, 1, 1] = 1
        else:
            conv.weight[channel, channel, 1, 1] += 0.5


def _spike_kernel(rows: float, columns: float) -> torch.Tensor:
    """Returns a 3x3 kernel that makes of a constant 1: `rows` on the top and bottom, `columns` at the sides, 0 inside.

    The corners get what makes the whole sum zero, and plus or minus `_CORNER`.
    """
    corner = _corner_height(rows, columns)
    tap = corner - rows - columns
    up, side = -rows - 2 * tap, -columns - 2 * tap
    centre = -(4 * tap + 2 * up + 2 * side)
    return torch.tensor(
        [
            [tap + _CORNER, up, tap - _CORNER],
            [side, centre, side],
            [tap - _CORNER, up, tap + _CORNER],
        ]
    )


def _corner_height(rows: float, columns: float) -> float:
    return -(rows + columns) * _SIDE_PIXELS / 2


def _deviation(rows: float, columns: float) -> float:
    """Returns the deviation of a channel that holds spikes of these heights."""
    sides = 2 * _SIDE_PIXELS * (rows**2 + columns**2)
    corners = 4 * (_corner_height(rows, columns) ** 2 + _CORNER**2)
    return _ONE * math.sqrt(sides + corners) / RESOLUTION


def _named_blocks(decoder: nn.Module) -> dict[str, nn.Module]:
    mid = {f"mid{number}": block for number, block in enumerate(decoder.mid_block.resnets)}
    ups = {
        f"up{level}{number}": block
        for level, up in enumerate(decoder.up_blocks)
        for number, block in enumerate(up.resnets)
    }
    return mid | ups


def autoencoder(widths: list[int]) -> AutoencoderKL:
    """Builds diffusers' autoencoder of the Flux kind with these widths."""
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        latent_channels=CHANNELS,
        block_out_channels=widths,
        layers_per_block=2,
        norm_num_groups=32,
        down_block_types=["DownEncoderBlock2D"] * 4,
        up_block_types=["UpDecoderBlock2D"] * 4,
        use_quant_conv=False,
        use_post_quant_conv=False,
    )

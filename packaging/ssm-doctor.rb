# Homebrew formula. `packaging/manifests.sh` fills in the version and the checksums.
class SsmDoctor < Formula
  desc "Explains why a Session Manager session cannot start"
  homepage "https://github.com/ssm-doctor/ssm-doctor"
  version "@VERSION@"
  license any_of: ["Apache-2.0", "MIT"]

  on_macos do
    on_arm do
      url "https://github.com/ssm-doctor/ssm-doctor/releases/download/v@VERSION@/ssm-doctor-@VERSION@-aarch64-apple-darwin.tar.gz"
      sha256 "@aarch64-apple-darwin.tar.gz@"
    end
    on_intel do
      url "https://github.com/ssm-doctor/ssm-doctor/releases/download/v@VERSION@/ssm-doctor-@VERSION@-x86_64-apple-darwin.tar.gz"
      sha256 "@x86_64-apple-darwin.tar.gz@"
    end
  end

  on_linux do
    on_arm do
      url "https://github.com/ssm-doctor/ssm-doctor/releases/download/v@VERSION@/ssm-doctor-@VERSION@-aarch64-unknown-linux-gnu.tar.gz"
      sha256 "@aarch64-unknown-linux-gnu.tar.gz@"
    end
    on_intel do
      url "https://github.com/ssm-doctor/ssm-doctor/releases/download/v@VERSION@/ssm-doctor-@VERSION@-x86_64-unknown-linux-gnu.tar.gz"
      sha256 "@x86_64-unknown-linux-gnu.tar.gz@"
    end
  end

  def install
    bin.install "ssm-doctor"
    man1.install "ssm-doctor.1"
    bash_completion.install "completions/ssm-doctor.bash" => "ssm-doctor"
    zsh_completion.install "completions/ssm-doctor.zsh" => "_ssm-doctor"
    fish_completion.install "completions/ssm-doctor.fish"
  end

  test do
    assert_match "session can start", shell_output("#{bin}/ssm-doctor demo private-nat")
  end
end

//! The closed lists of a catalogue: actors, workloads, phases, conditions. A word outside them is a fault.

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal, $what:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $(#[doc = $what] $variant),* }

        impl $name {
            /// Every one.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            /// The word in files.
            pub fn word(self) -> &'static str {
                match self { $($name::$variant => $word),* }
            }

            /// What it means.
            pub fn what(self) -> &'static str {
                match self { $($name::$variant => $what),* }
            }

            /// The one with this word.
            pub fn parse(text: &str) -> Option<$name> {
                let plain = text.trim().replace(['_', ' '], "-");
                Self::ALL.iter().copied().find(|w| w.word().replace(' ', "-").eq_ignore_ascii_case(&plain))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

words! {
    /// Who opens a connection.
    Actor {
        Any = "any", "Anything that stands in a virtual network.";
        ClientBrowser = "client-browser", "A browser with studio in it, in the network, on a jump box or in an office.";
        Client = "client", "A program of a person: SDK, command line, VS Code, an application that scores.";
        InternetClient = "internet-client", "Somebody on the internet.";
        ComputeInstance = "compute-instance", "A compute instance in a network of one's own.";
        ComputeCluster = "compute-cluster", "A node of a compute cluster in a network of one's own.";
        ManagedCompute = "managed-compute", "A compute in a workspace's managed network.";
        OnlineDeployment = "online-deployment", "A deployment of a managed online endpoint.";
        AksNode = "aks-node", "A node of a Kubernetes cluster.";
        AmlManagedService = "aml-managed-service", "A part of the service that stands in no network of yours: profiling, serverless builders.";
        AmlControlPlane = "aml-control-plane", "The control plane of Azure Machine Learning.";
        AzureBatch = "azure-batch", "Azure Batch, which runs computes.";
    }
}

words! {
    /// What is worked with.
    Workload {
        Any = "any", "Everything.";
        Studio = "studio", "Studio in a browser.";
        Client = "client", "SDK, command line, submission of jobs.";
        Profiling = "profiling", "Previews and profiles of data, AutoML and designer in studio.";
        ComputeInstance = "compute-instance", "A compute instance.";
        ComputeCluster = "compute-cluster", "A compute cluster and its jobs.";
        Images = "images", "Docker images of Microsoft's and of one's own.";
        ImageBuild = "image-build", "Building of images.";
        OnlineEndpoint = "online-endpoint", "Managed online endpoints and their deployments.";
        ManagedNetwork = "managed-network", "Compute in a workspace's managed network.";
        Kubernetes = "kubernetes", "Inference and training on Kubernetes.";
        VsCode = "vscode", "VS Code, in the browser, on the desktop and on an instance.";
        Metadata = "metadata", "The workspace's metadata.";
        Dependency = "dependency", "Whatever the service names for one workspace.";
        Custom = "custom", "A service of one's own.";
    }
}

words! {
    /// When in the life of the work a connection is opened.
    Phase {
        Open = "open", "Opening a page.";
        SignIn = "sign-in", "Getting or renewing a token.";
        Create = "create", "Creating, changing or deleting a resource.";
        Start = "start", "Starting a machine.";
        Scale = "scale", "Adding nodes.";
        Submit = "submit", "Submitting a job.";
        Run = "run", "Running.";
        Work = "work", "Working on a machine.";
        Notebooks = "notebooks", "Working with notebooks.";
        Data = "data", "Looking at data.";
        PullImage = "pull image", "Pulling an image that is not cached.";
        BuildImage = "build image", "Building an image.";
        Install = "install", "Installing software.";
        Deploy = "deploy", "Deploying a model.";
        Score = "score", "Scoring.";
        Connect = "connect", "Connecting an editor.";
        Patch = "patch", "Patching a machine.";
    }
}

words! {
    /// When a block is noticed.
    Moment {
        Now = "now", "The next call fails.";
        NextToken = "next token", "What runs goes on until its token has to be renewed.";
        NextStart = "next start", "Machines that run go on.";
        NextCreate = "next create", "What exists goes on.";
        NextScaleUp = "next scale-up", "Nodes that exist go on.";
        NextJob = "next job", "Jobs that run go on.";
        NextImagePull = "next image pull", "Images that are cached go on.";
        NextImageBuild = "next image build", "Images that exist go on.";
        NextInstall = "next install", "What is installed goes on.";
        NextDeployment = "next deployment", "Deployments that exist go on.";
        NextPatch = "next patch", "Machines go on unpatched.";
    }
}

words! {
    /// A set-up in which alone something is needed.
    Condition {
        PublicIp = "public-ip", "The compute has a public address.";
        HbiWorkspace = "hbi-workspace", "The workspace was created for high business impact.";
        PublicRegistry = "public-registry", "The workspace's registry is reached over its public endpoint.";
        ImageBuildCompute = "image-build-compute", "A cluster of the workspace builds its images.";
        NoImageBuildCompute = "no-image-build-compute", "The service itself builds the workspace's images.";
        ManagedNetwork = "managed-network", "The workspace has a managed network.";
        NoManagedNetwork = "no-managed-network", "The workspace has no managed network.";
        MachineLearning = "machine-learning", "The cluster serves a workspace.";
        PublicCluster = "public-cluster", "The cluster's control plane is reached over its public address.";
        InternalBalancer = "internal-balancer", "An internal load balancer stands in front of the inference router.";
        PublicBalancer = "public-balancer", "A public load balancer stands in front of the inference router.";
    }
}

words! {
    /// Which way a connection is opened, seen from the workload.
    Direction {
        Outbound = "outbound", "From the workload.";
        Inbound = "inbound", "To the workload.";
        Both = "both", "Either way.";
    }
}

impl Phase {
    /// When a block of what happens in this phase shows.
    pub fn moment(self) -> Moment {
        match self {
            Phase::Open | Phase::Run | Phase::Work | Phase::Notebooks | Phase::Data => Moment::Now,
            Phase::Score | Phase::Connect => Moment::Now,
            Phase::SignIn => Moment::NextToken,
            Phase::Create => Moment::NextCreate,
            Phase::Start => Moment::NextStart,
            Phase::Scale => Moment::NextScaleUp,
            Phase::Submit => Moment::NextJob,
            Phase::PullImage => Moment::NextImagePull,
            Phase::BuildImage => Moment::NextImageBuild,
            Phase::Install => Moment::NextInstall,
            Phase::Deploy => Moment::NextDeployment,
            Phase::Patch => Moment::NextPatch,
        }
    }
}
